"""Sentences made into sound on the wall clock: in order, two at a time, cancelled and failed."""

import asyncio

import pytest

from tests.voice.driver.stubs import RATE, Desk, until
from trunkline.voice.conversation.events import (
    CancelSpeech,
    Speak,
    SpeechAudio,
    SpeechFailed,
)
from trunkline.voice.driver.budgets import Budgets
from trunkline.voice.speech import tones
from trunkline.voice.speech.twins import ToneVoice

BLOCK = b"\1\0" * 160


def pieces(events: list[SpeechAudio]) -> list[tuple[int, bytes, bool]]:
    return [(event.sentence, event.pcm, event.last) for event in events]


async def test_sentences_are_fed_in_order_however_they_are_made(desk: Desk) -> None:
    desk.driver.handle([Speak(1, "One."), Speak(2, "Two."), Speak(3, "Three.")])
    await until(lambda: len(desk.tts.pipes) == 2)
    desk.tts.pipes["Two."].give(BLOCK, None)
    await until(lambda: "Three." in desk.tts.pipes)
    desk.tts.pipes["Three."].give(BLOCK, None)
    await until(lambda: desk.tts.pipes["Three."].closed)
    assert desk.session.fed == []
    desk.tts.pipes["One."].give(BLOCK, BLOCK, None)
    spoken = await desk.fed(SpeechAudio, 7)
    assert [(s, last) for s, _, last in pieces(spoken)] == [
        (1, False), (1, False), (1, True), (2, False), (2, True), (3, False), (3, True)
    ]  # fmt: skip


async def test_two_sentences_are_made_at_a_time(desk: Desk) -> None:
    desk.driver.handle([Speak(n, f"{n}") for n in range(1, 5)])
    await until(lambda: len(desk.tts.pipes) == 2)
    await asyncio.sleep(0)
    assert list(desk.tts.pipes) == ["1", "2"]
    desk.tts.pipes["1"].give(None)
    await until(lambda: len(desk.tts.pipes) == 3)


async def test_a_cancelled_sentence_makes_way_for_the_next_in_its_turn(desk: Desk) -> None:
    desk.driver.handle([Speak(1, "One."), Speak(2, "Two."), Speak(3, "Three.")])
    await until(lambda: len(desk.tts.pipes) == 2)
    desk.tts.pipes["Two."].give(BLOCK)
    desk.driver.handle([CancelSpeech(2)])
    await until(lambda: "Three." in desk.tts.pipes)
    assert desk.tts.pipes["Two."].closed
    desk.tts.pipes["Three."].give(BLOCK, None)
    await until(lambda: desk.tts.pipes["Three."].closed)
    assert desk.session.fed == []
    desk.tts.pipes["One."].give(None)
    assert [(s, last) for s, _, last in pieces(await desk.fed(SpeechAudio, 3))] == [
        (1, True),
        (3, False),
        (3, True),
    ]


async def test_a_sentence_that_was_made_but_waits_can_still_be_cancelled(desk: Desk) -> None:
    desk.driver.handle([Speak(1, "One."), Speak(2, "Two.")])
    await until(lambda: len(desk.tts.pipes) == 2)
    desk.tts.pipes["Two."].give(BLOCK, None)
    await until(lambda: desk.tts.pipes["Two."].closed)
    desk.driver.handle([CancelSpeech(2)])
    desk.tts.pipes["One."].give(None)
    await desk.fed(SpeechAudio)
    await asyncio.sleep(0)
    assert [event.sentence for event in desk.session.of(SpeechAudio)] == [1]


async def test_a_failed_sentence_does_not_stop_the_next(desk: Desk) -> None:
    desk.driver.handle([Speak(1, "One."), Speak(2, "Two.")])
    await until(lambda: len(desk.tts.pipes) == 2)
    desk.tts.pipes["Two."].give(None)
    desk.tts.pipes["One."].give(BLOCK, ValueError("odd"))
    await desk.fed(SpeechAudio, 2)
    assert [type(event).__name__ for event in desk.session.fed] == [
        "SpeechAudio",
        "SpeechFailed",
        "SpeechAudio",
    ]


@pytest.mark.parametrize(
    "budgets", [Budgets(first_sound=0.01), Budgets(next_sound=0.01), Budgets(sentence=0.01)]
)
async def test_a_voice_that_hangs_has_failed(budgets: Budgets) -> None:
    desk = Desk(budgets=budgets)
    desk.driver.handle([Speak(1, "One.")])
    await until(lambda: bool(desk.tts.pipes))
    if budgets.next_sound < 1:
        desk.tts.pipes["One."].give(BLOCK)
    [failed] = await desk.fed(SpeechFailed)
    assert failed.sentence == 1
    await desk.driver.close()


async def test_sound_comes_at_the_rate_of_the_line() -> None:
    desk = Desk(tts=ToneVoice(24_000))
    desk.driver.handle([Speak(1, "good morning everybody")])
    await until(lambda: any(event.last for event in desk.session.of(SpeechAudio)))
    sound = b"".join(event.pcm for event in desk.session.of(SpeechAudio))
    assert tones.hear(sound, RATE) == "good morning everybody"
    assert len(sound) == len(tones.speak("good morning everybody", RATE))
    await desk.driver.close()
