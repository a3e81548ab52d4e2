"""What both sides hear once they are joined, and what is recorded of it, sample against sample."""

import io
import wave
from uuid import UUID

import numpy as np
import pytest
from numpy.typing import NDArray

from tests.interop.house import House, Parties, attach
from trunkline.resources.agents.models import Agent
from trunkline.resources.calls import recordings
from trunkline.resources.calls.models import Call
from trunkline.voice.speech import tones

pytestmark = pytest.mark.peer("sipp")

RATE = 8000
SECONDS = 1.5
Sound = NDArray[np.float64]


def noise(seed: int) -> bytes:
    """Sound that is like no other of its kind."""
    dice = np.random.default_rng(seed)
    return bytes((dice.standard_normal(int(SECONDS * RATE)) * 2500).astype("<i2").tobytes())


def likeness(sound: Sound, said: bytes) -> float:
    """The best correlation of what was said with any stretch of the sound: 1.0 for the same."""
    pattern = np.frombuffer(said, "<i2").astype(float)
    if len(sound) < len(pattern):
        return 0.0
    size = 1 << (len(sound) + len(pattern)).bit_length()
    product = np.fft.irfft(np.fft.rfft(sound, size) * np.conj(np.fft.rfft(pattern, size)), size)
    energy = np.concatenate(([0.0], np.cumsum(sound**2)))
    spans = energy[len(pattern) :] - energy[: -len(pattern)]
    scores = product[: len(spans)] / np.sqrt(np.maximum(spans, 1.0) * float((pattern**2).sum()))
    return float(scores.max())


async def recorded(house: House, call: Call, recording: UUID) -> tuple[Sound, Sound]:
    """Left and right of a recording."""
    pcm = await house.blobs.get(recordings.wav_key(call.workspace_id, recording))
    with wave.open(io.BytesIO(pcm)) as file:
        both = np.frombuffer(file.readframes(file.getnframes()), "<i2").reshape(-1, 2).astype(float)
    return both[:, 0], both[:, 1]


@pytest.mark.parametrize("goes_on", [True, False], ids=["recorded", "not recorded once joined"])
async def test_what_is_heard_and_recorded(
    house: House, parties: Parties, agent: Agent, goes_on: bool
) -> None:
    await attach(house, agent, phone=parties.listen_and_talk(), stop_recording_after_transfer=not goes_on)
    await parties.call()
    await house.until(lambda: house.joined)
    ours, theirs = noise(1), noise(2)

    def passed() -> bool:
        heard = likeness(parties.person.sound, ours), likeness(parties.caller.sound, theirs)
        return min(heard) > 0.9

    for _ in range(3):  # a busy machine may tear the sound
        parties.caller.play(ours)
        parties.person.play(theirs)
        try:
            await house.until(passed, seconds=SECONDS + 1.5)
            break
        except AssertionError:
            continue
    assert likeness(parties.caller.sound, ours) < 0.2, "nobody hears an echo"
    assert likeness(parties.person.sound, theirs) < 0.2
    assert passed()
    parties.calling.tell()
    call, (value,) = await house.finished()
    await parties.finish()

    left, right = await recorded(house, call, call.id)
    assert (likeness(left, ours) > 0.8) == goes_on, "left is the caller"
    assert (likeness(right, theirs) > 0.8) == goes_on, "right is what the caller hears"
    assert likeness(left, theirs) < 0.2
    said = tones.hear(right.astype("<i2").tobytes(), RATE)
    assert "One moment." in said
    assert "question" not in said, "the briefing is none of the caller's"
    (attempt,) = value["attempts"]
    _, briefing = await recorded(house, call, UUID(attempt["briefing_recording_id"]))
    assert "question" in tones.hear(briefing.astype("<i2").tobytes(), RATE)
    assert likeness(briefing, theirs) < 0.2
