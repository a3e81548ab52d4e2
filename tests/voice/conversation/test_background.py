"""The sound of a place behind the agent: always there, under its words, and no word by itself."""

from typing import Any

import numpy as np
import pytest

from tests.voice.conversation.test_session import world
from tests.voice.conversation.world import FRAME, RATE, Delays, Utterance, World
from trunkline.voice.conversation.background import PLACES, Room
from trunkline.voice.conversation.profile import Background

CAFE = Background("cafe", 40)
LONG = "One two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen."


def call(*utterances: Utterance, **changes: Any) -> World:
    w = world(*utterances, **changes)
    w.answer = lambda request: [LONG]
    return w


def levels(sound: bytes) -> np.ndarray[Any, Any]:
    frames = np.frombuffer(sound[: len(sound) // FRAME * FRAME], "<i2").reshape(-1, FRAME // 2).astype(float)
    found: np.ndarray[Any, Any] = np.sqrt((frames**2).mean(axis=1))
    return found


def test_it_sounds_from_the_first_tick_to_the_last_and_nothing_else_changes() -> None:
    turns = (Utterance(100, 150, "Tell me."), Utterance(330, 350, "stop please"))
    with_it, without = call(*turns, background=CAFE).run(900), call(*turns).run(900)
    assert with_it.transcript == without.transcript and len(with_it.transcript) == 5
    [paused] = [at for at in range(1, 900) if with_it.states[at] == "paused" != with_it.states[at - 1]]
    heard = levels(bytes(with_it.heard))
    silent = {at for at in range(2, len(heard)) if heard[at] == 0}
    assert silent <= set(range(paused, paused + 4)), "only what the flush leaves empty"


def test_it_lies_under_the_voice_and_adds_nothing_to_its_length() -> None:
    with_it, without = call(background=CAFE).run(90), call().run(90)
    ends = [each.said("agent_said")[0]["end_ms"] for each in (with_it, without)]
    assert 0 <= ends[0] - ends[1] <= 40, "the words wait for the little of the place that is queued"
    loud, plain = levels(bytes(with_it.heard)), levels(bytes(without.heard))
    assert (loud > 3000).sum() == (plain > 3000).sum()


def test_the_line_is_never_further_ahead_than_for_a_voice() -> None:
    w = call(Utterance(100, 150, "Tell me."), background=CAFE)
    for _ in range(400):
        w.step()
        assert len(w._line) <= 80 * RATE // 1000 * 2
    started = w.said("turn")[0]["queue_ms"]
    assert started <= 40


@pytest.mark.parametrize("flush", [1, 3])
def test_a_flush_takes_back_words_and_not_the_place(flush: int) -> None:
    turns = (Utterance(100, 130, "Tell me."), Utterance(260, 300, "stop please I mean the other one"))
    changes = [{"background": CAFE}, {}]
    heard = []
    for each in changes:
        w = call(*turns, **each)
        w.delays = Delays(flush=flush)
        w.run(400)
        assert w.said("barge_in")[0]["outcome"] == "yield"
        heard.append(w.transcript[2].split())
    assert abs(len(heard[0]) - len(heard[1])) <= 1
    assert all(words == ["bot:", *LONG.split()][: len(words)] for words in heard)


def test_a_back_channel_resumes_over_it() -> None:
    w = call(Utterance(100, 130, "Tell me."), Utterance(220, 238, "mhm"), background=CAFE).run(900)
    assert w.said("barge_in")[0]["outcome"] == "resume"
    assert w.transcript[-1].endswith("fifteen.")


def test_idle_ends_a_call_that_only_the_place_is_heard_in() -> None:
    w = call(background=CAFE, allowed_idle=3.0).run(900)
    assert w.said("ended")[0]["reason"] == "idle"


@pytest.mark.parametrize("place", sorted(PLACES))
@pytest.mark.parametrize("rate", [8000, 16_000, 48_000])
def test_a_place_has_the_level_of_its_volume_and_no_seam(place: str, rate: int) -> None:
    def rms(volume: int) -> float:
        sound = Room(Background(place, volume), rate).frame(12 * rate).astype(float)
        return float(20 * np.log10(np.sqrt((sound**2).mean()) / 32768))

    assert rms(100) == pytest.approx(-26, abs=0.5) and rms(50) == pytest.approx(-32, abs=0.5)
    room = Room(Background(place, 100), rate)
    sound = np.concatenate([room.frame(rate // 50) for _ in range(700)]).astype(float)
    steps = np.abs(np.diff(sound))
    assert steps[12 * rate - 1] <= steps.max() / 2
    assert (Room(Background(place, 0), rate).frame(100) == 0).all()


def test_what_is_too_loud_is_clipped_and_not_wrapped() -> None:
    loud = np.full(800, 32_700, "<i2")
    mixed = np.frombuffer(Room(Background("office", 100), 8000).under(loud.tobytes()), "<i2")
    assert mixed.max() == 32_767 and mixed.min() > 20_000
