"""What noise suppression does to sound, and that it changes nothing else of a recogniser."""

import numpy as np
import pytest

from trunkline.voice.speech import tones
from trunkline.voice.speech.noises import RATE, Sound, at_level, hum, steady_noise
from trunkline.voice.speech.suppression import SuppressedEars, Suppressor
from trunkline.voice.speech.twins import ToneEars

FRAME = RATE // 50
LEAD = RATE * 2 // 5
OPENING = (LEAD + RATE // 10) * 2
"""Bytes of a segment when it is opened: the line, and the voice until it was noticed."""


class NotingHearing:
    def __init__(self) -> None:
        self.sound = b""

    def push(self, pcm: bytes) -> None:
        self.sound += pcm

    async def words(self) -> str:
        return ""

    async def finish(self) -> str:
        return ""

    def close(self) -> None:
        return


class NotingEars(ToneEars):
    """Keeps what it was given, a segment each."""

    def __init__(self) -> None:
        super().__init__()
        self.segments: list[NotingHearing] = []

    def open(self, *_: object) -> NotingHearing:  # type: ignore[override]
        self.segments.append(NotingHearing())
        return self.segments[-1]


def line(snr: float, seed: int = 3) -> tuple[bytes, Sound]:
    """A voice after 400 ms of noise, and the voice alone."""
    dice = np.random.default_rng(seed)
    voice = at_level(hum(dice, 1.0, 1.0), -22.0)
    clean = np.concatenate([np.zeros(LEAD, np.float32), voice, np.zeros(LEAD, np.float32)])
    clean = clean[: len(clean) // FRAME * FRAME]
    noisy = clean + at_level(steady_noise(len(clean), dice), -22.0 - snr)
    return (noisy * 32767).astype("<i2").tobytes(), clean


async def heard(pcm: bytes, depth: float = 12.0, piece: int = FRAME * 2) -> bytes:
    ears = NotingEars()
    hearing = SuppressedEars(ears, depth).open(RATE, "en-US")
    hearing.push(pcm[:OPENING])
    for at in range(OPENING, len(pcm), piece):
        hearing.push(pcm[at : at + piece])
    await hearing.finish()
    return ears.segments[0].sound


def rms(sound: bytes | np.ndarray[tuple[int], np.dtype[np.float32]]) -> float:
    samples = np.frombuffer(sound, "<i2") / 32767 if isinstance(sound, bytes) else sound
    return float(20 * np.log10(np.sqrt(np.mean(samples.astype(float) ** 2)) + 1e-9))


@pytest.mark.parametrize("depth", [8.0, 12.0, 18.0])
async def test_noise_is_turned_down_and_the_voice_stays(depth: float) -> None:
    pcm, clean = line(snr=5)
    made = await heard(pcm, depth)
    assert len(made) == len(pcm)
    before, after = rms(pcm[: LEAD * 2]), rms(made[: LEAD * 2])
    assert 4.0 < before - after < depth + 0.5
    there = slice(LEAD, -LEAD)
    error = np.frombuffer(made, "<i2")[there] / 32767 - clean[there]
    assert (
        rms(clean[there]) - rms(error.astype(np.float32)) > 6.0
    )  # nearer to the voice than what came in (5 dB)


async def test_a_line_without_much_noise_is_left_as_it_is() -> None:
    for snr in (30.0, 45.0):
        pcm, _ = line(snr)
        made = np.frombuffer(await heard(pcm), "<i2").astype(int)
        assert np.abs(made - np.frombuffer(pcm, "<i2"))[FRAME:].max() <= 1  # rounding


async def test_pieces_of_any_size_give_the_same() -> None:
    pcm, _ = line(snr=5)
    assert await heard(pcm, piece=250) == await heard(pcm) == await heard(pcm)


async def test_a_later_segment_knows_the_noise_of_the_first() -> None:
    pcm, _ = line(snr=5)
    ears = NotingEars()
    suppressed = SuppressedEars(ears, 12.0)
    first = suppressed.open(RATE, "en-US")
    first.push(pcm)
    await first.finish()
    noise = pcm[: LEAD * 2]
    suppressed.open(RATE, "en-US").push(noise)
    assert rms(noise) - rms(ears.segments[1].sound) > 6.0


async def test_words_and_keywords_go_through() -> None:
    ears = ToneEars(has_partials=True)
    suppressed = SuppressedEars(ears, 12.0)
    told: list[str] = []
    assert suppressed.has_partials
    hearing = suppressed.open(RATE, "en-US", told.append, ("Xarelto",))
    hearing.push(bytes(LEAD * 2) + tones.speak("do you open sundays", RATE) + bytes(LEAD))
    assert await hearing.words() == "do you open sundays"
    assert await hearing.finish() == "do you open sundays"
    assert told[-1] == "do you open sundays"
    assert ears.expected == ("Xarelto",)


@pytest.mark.parametrize("rate", [8000, 16_000, 24_000, 48_000])
def test_every_rate_of_a_line(rate: int) -> None:
    suppressor = Suppressor(rate, 12.0)
    assert suppressor.push(bytes(suppressor.frame_bytes)) == bytes(rate // 50 * 2)


async def test_nothing_said_is_nothing_heard() -> None:
    assert await SuppressedEars(ToneEars(), 12.0).open(RATE, "en-US").finish() == ""
