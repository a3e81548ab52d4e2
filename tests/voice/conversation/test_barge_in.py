"""The settings of being interrupted: how many words it takes, how the agent falls silent."""

from typing import Any

import numpy as np
import pytest

from tests.voice.conversation.world import Utterance, World
from trunkline.voice.conversation.profile import Profile
from trunkline.voice.conversation.session import Session, State

_WORDS = "could we please make that Tuesday"
LONG = "One two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen."


def interrupted(text: str, **changes: Any) -> World:
    """The agent speaks from tick 5 or so on; the caller says something at tick 80."""
    base: dict[str, Any] = {"prompt": "You are a receptionist.", "greeting": LONG}
    return World(Session(Profile(**(base | changes)), 8000), [Utterance(80, 100, text)])


@pytest.mark.parametrize("least", range(1, 6))
def test_fewer_words_than_it_takes_are_talked_over(least: int) -> None:
    words = _WORDS.split()
    yields = interrupted(" ".join(words[:least]), min_words_to_interrupt=least).run(400)
    assert yields.said("barge_in")[0]["outcome"] == "yield"
    if least > 1:
        resumes = interrupted(" ".join(words[: least - 1]), min_words_to_interrupt=least).run(400)
        assert resumes.said("barge_in")[0]["outcome"] == "resume"
        assert f"bot: {LONG}" in resumes.transcript


def test_who_speaks_on_has_the_floor_after_a_second_however_few_words_are_known() -> None:
    w = interrupted("", min_words_to_interrupt=3)
    w.utterances[0] = Utterance(80, 300, "Tuesday please")
    [barge_in] = w.run(400).said("barge_in")
    assert barge_in["outcome"] == "yield" and barge_in["paused_ms"] <= 1200


@pytest.mark.parametrize("least", [3, 5])
def test_a_stop_word_is_enough_however_many_words_it_takes(least: int) -> None:
    w = interrupted("stop", min_words_to_interrupt=least).run(400)
    assert w.said("barge_in")[0]["outcome"] == "yield"


def _levels_after_the_pause(frames: int) -> list[float]:
    w = interrupted("wait", interruption_fade_out=frames)
    while w.session.state is not State.PAUSED:
        w.step()
    paused = w.now
    w.run(30)
    return [
        float(np.abs(np.frombuffer(sound, "<i2").astype(int)).max())
        for tick, sound in w.sent
        if paused < tick <= paused + 20
    ]


def test_the_voice_breaks_off_at_once_without_a_fade() -> None:
    assert _levels_after_the_pause(0) == []


@pytest.mark.parametrize("frames", [1, 5])
def test_the_voice_fades_over_so_many_frames(frames: int) -> None:
    levels = _levels_after_the_pause(frames)
    assert len(levels) == frames
    assert levels == sorted(levels, reverse=True) and levels[-1] < 8000 / frames
