"""What counts as a voice over the agent's, and what is taken back."""

import numpy as np
import pytest

from tests.voice.conversation.world import FRAME, SILENCE, VOICE, World
from trunkline.voice.conversation.hearing import Ear
from trunkline.voice.conversation.onset import Onset, has_pitch
from trunkline.voice.conversation.profile import Profile
from trunkline.voice.conversation.session import Session, State

LONG = "One two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen."
RATE = 8000


def hiss(seed: int, amplitude: float = 3000) -> bytes:
    return (np.random.default_rng(seed).standard_normal(FRAME // 2) * amplitude / 3).astype("<i2").tobytes()


def ticks_until_enough(*heard: tuple[bytes, float]) -> int | None:
    """The tick (from 1) at which the evidence is enough, after a second of silence."""
    ear = Ear(RATE)
    onset = Onset(ear, RATE)
    for _ in range(50):
        ear.tick(SILENCE, 0.0)
        onset.tick()
    for number, (frame, speech) in enumerate(heard):
        ear.tick(frame, speech)
        onset.tick()
        if onset.enough:
            return number + 1
    return None


def test_voice_alone_takes_three_ticks_and_pitch_alone_four_or_five() -> None:
    assert ticks_until_enough(*[(VOICE, 0.9)] * 9) == 3
    # The first tick of a tone is half silence in the 40 ms that are looked at.
    assert ticks_until_enough(*[(VOICE, 0.0)] * 9) in (4, 5)


def test_a_hiss_alone_is_never_enough_and_makes_the_voice_behind_it_quicker() -> None:
    assert ticks_until_enough(*[(hiss(n), 0.0) for n in range(100)]) is None
    hissing = [(hiss(n), 0.0) for n in range(6)]
    after = ticks_until_enough(*hissing, *[(VOICE, 0.9)] * 5)
    assert after is not None and after <= 8


def test_a_stop_within_a_word_does_not_start_it_all_over() -> None:
    assert ticks_until_enough((VOICE, 0.9), (VOICE, 0.9), (SILENCE, 0.9), *[(VOICE, 0.9)] * 3) == 5


def test_a_lost_frame_is_no_evidence_for_either() -> None:
    ear = Ear(RATE)
    onset = Onset(ear, RATE)
    for frame, speech in [(SILENCE, 0.0)] * 20 + [(VOICE, 0.9), (VOICE, 0.9), (None, 0.9), (None, 0.9)]:
        ear.tick(frame, speech)
        onset.tick()
    assert not onset.enough
    ear.tick(VOICE, 0.9)
    onset.tick()
    assert onset.enough


@pytest.mark.parametrize("rate", [8000, 16_000, 48_000])
@pytest.mark.parametrize("hertz", [75, 120, 250, 380])
def test_a_voice_has_a_pitch_and_noise_has_none(rate: int, hertz: int) -> None:
    t = np.arange(rate * 40 // 1000) / rate
    buzz = sum(np.sin(2 * np.pi * hertz * n * t) / n for n in range(1, 8)) * 3000
    assert has_pitch(np.asarray(buzz).astype("<i2").tobytes(), rate)
    for seed in range(20):
        noise = np.random.default_rng(seed).standard_normal(t.size) * 2000
        assert not has_pitch(noise.astype("<i2").tobytes(), rate), seed
    assert not has_pitch(bytes(t.size * 2), rate)


class Room(World):
    """A line on which at tick 80 something sounds that the voice-activity model makes `speech` of."""

    def __init__(self, frames: list[bytes], speech: float, words: str, **changes: object) -> None:
        settings = {"prompt": "", "greeting": LONG, **changes}
        super().__init__(Session(Profile(**settings), RATE))  # type: ignore[arg-type]
        self.frames, self.speech, self.text = frames, speech, words

    def step(self) -> None:
        at = self.now - 79
        sounds = 0 <= at < len(self.frames)
        tick = self.session.tick

        def heard(frame: bytes | None, speech: float, queued: int) -> object:
            return tick(self.frames[at] if sounds else frame, self.speech if sounds else speech, queued)

        self.session.tick = heard  # type: ignore[method-assign, assignment]
        try:
            super().step()
        finally:
            self.session.tick = tick  # type: ignore[method-assign]

    def _words(self, segment: int) -> str:
        return self.text


def test_what_has_a_pitch_and_no_voice_behind_it_pauses_for_a_moment_and_is_no_turn() -> None:
    w = Room([VOICE] * 40, 0.1, "Thank you very much indeed.").run(400)
    assert State.PAUSED in w.states
    [barge_in] = w.said("barge_in")
    assert barge_in["outcome"] == "resume" and barge_in["paused_ms"] <= 300
    assert w.transcript == [f"bot: {LONG}"]


def test_a_sound_that_lasts_is_paused_for_once() -> None:
    w = Room([VOICE] * 200, 0.1, "").run(400)
    assert len(w.said("barge_in")) == 1


def test_a_cough_is_no_interruption_though_the_recogniser_makes_words_of_it() -> None:
    w = Room([hiss(n, 9000) for n in range(12)], 0.8, "That is cool.").run(400)
    assert [one["outcome"] for one in w.said("barge_in")] == ["resume"]
    assert w.transcript == [f"bot: {LONG}"]


def test_a_cough_does_not_take_the_floor_where_any_voice_would() -> None:
    w = Room([VOICE] * 12, 0.1, "", min_words_to_interrupt=0).run(400)
    assert [one["outcome"] for one in w.said("barge_in")] == ["resume"]


def test_a_voice_with_pitch_and_words_takes_the_floor() -> None:
    w = Room([VOICE] * 20, 0.9, "That is cool.").run(400)
    assert [one["outcome"] for one in w.said("barge_in")] == ["yield"]
