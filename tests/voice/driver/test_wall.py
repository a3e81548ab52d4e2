"""A session's requests done on the wall clock: what is fed, in what order, and what never is."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest

from tests.voice.driver.stubs import RATE, Desk, Faulty, until
from trunkline.errors import ProviderError
from trunkline.voice.conversation.events import (
    AskWords,
    CancelReply,
    CancelSpeech,
    CancelTool,
    CloseLine,
    DropHearing,
    Event,
    FinishHearing,
    HangUp,
    Hear,
    HearingFailed,
    JudgeTurn,
    Note,
    ReplyDone,
    ReplyFailed,
    ReplyText,
    ReplyTool,
    Request,
    RunTool,
    Speak,
    StartHearing,
    StartReply,
    ToolResult,
    TurnVerdict,
    Words,
)
from trunkline.voice.conversation.profile import END_CALL
from trunkline.voice.driver.budgets import Budgets
from trunkline.voice.driver.ports import ToolAnswer
from trunkline.voice.language.ports import DonePart, TextPart, ToolPart
from trunkline.voice.speech import tones
from trunkline.voice.speech.twins import ToneEars

HELLO = ({"role": "user", "content": "Hello"},)
BLOCK = b"\1\0" * 160


# ---- hearing ----


async def test_a_segment_is_heard_from_its_preroll_to_its_end(desk: Desk) -> None:
    sound = tones.speak("good morning", RATE)
    half = len(sound) // 4 * 2
    desk.driver.handle([StartHearing(1, sound[:half]), Hear(1, sound[half:]), FinishHearing(1)])
    assert await desk.fed(Words) == [Words(1, "good morning", final=True)]


async def test_words_so_far(desk: Desk) -> None:
    desk.driver.handle([StartHearing(1, tones.speak("good", RATE)), AskWords(1)])
    assert await desk.fed(Words) == [Words(1, "good", final=False)]
    desk.driver.handle([Hear(1, tones.speak("morning", RATE)), FinishHearing(1)])
    assert (await desk.fed(Words, 2))[1] == Words(1, "good morning", final=True)


async def test_partials_come_by_themselves_until_the_segment_ends() -> None:
    desk = Desk(stt=ToneEars(has_partials=True))
    desk.driver.handle([StartHearing(1, b""), Hear(1, tones.speak("good morning", RATE))])
    assert await desk.fed(Words) == [Words(1, "good morning", final=False)]
    desk.driver.handle([Hear(1, tones.speak("to you all", RATE)), DropHearing(1)])
    await asyncio.sleep(0)
    assert len(desk.session.fed) == 1
    await desk.driver.close()


async def test_a_dropped_segment_says_nothing(desk: Desk) -> None:
    desk.driver.handle([StartHearing(1, tones.speak("good", RATE)), FinishHearing(1), DropHearing(1)])
    await desk.driver.close()
    assert desk.session.fed == []


@pytest.mark.parametrize("where", ["open", "push", "finish"])
async def test_a_recogniser_that_breaks_is_told_at_the_end_of_the_segment(where: str) -> None:
    desk = Desk(stt=Faulty(where))
    desk.driver.handle([StartHearing(1, BLOCK), Hear(1, BLOCK), AskWords(1), FinishHearing(1)])
    [failed] = await desk.fed(HearingFailed)
    assert failed.segment == 1
    assert "KeyError" in failed.reason
    await desk.driver.close()
    assert desk.session.fed == [failed]


# ---- deciding ----


async def test_a_pause_is_judged(desk: Desk) -> None:
    desk.driver.handle([JudgeTurn(3, BLOCK)])
    assert await desk.fed(TurnVerdict) == [TurnVerdict(3, 0.7)]


async def test_a_judge_that_hangs_has_no_opinion() -> None:
    class Hanging:
        async def complete(self, pcm: bytes, rate: int) -> float:
            await asyncio.Event().wait()
            return 1.0

    desk = Desk(turn=Hanging(), budgets=Budgets(verdict=0.01))
    desk.driver.handle([JudgeTurn(3, BLOCK)])
    assert await desk.fed(TurnVerdict) == [TurnVerdict(3, None)]
    await desk.driver.close()


# ---- replying ----


async def test_a_reply_streams(desk: Desk) -> None:
    desk.driver.handle([StartReply(1, HELLO, (END_CALL,))])
    await until(lambda: bool(desk.llm.pipes))
    desk.llm.pipes[0].give(
        TextPart("Good"), TextPart(" day"), ToolPart("c1", "end_call", {}), DonePart("gpt-4.1-mini")
    )
    await desk.fed(ReplyDone)
    assert desk.session.fed == [
        ReplyText(1, "Good"),
        ReplyText(1, " day"),
        ReplyTool(1, "c1", "end_call", {}),
        ReplyDone(1, "gpt-4.1-mini"),
    ]
    assert desk.llm.asked == [("gpt-4.1", HELLO, (END_CALL,))]


async def test_a_reply_that_just_stops_is_done(desk: Desk) -> None:
    desk.driver.handle([StartReply(1, HELLO)])
    await until(lambda: bool(desk.llm.pipes))
    desk.llm.pipes[0].give(TextPart("Good"), None)
    assert await desk.fed(ReplyDone) == [ReplyDone(1)]


async def test_nothing_of_a_cancelled_reply_comes_back_and_the_provider_stops(desk: Desk) -> None:
    desk.driver.handle([StartReply(1, HELLO)])
    await until(lambda: bool(desk.llm.pipes))
    pipe = desk.llm.pipes[0]
    pipe.give(TextPart("Good"))
    await desk.fed(ReplyText)
    pipe.give(TextPart(" day"), DonePart("m"))
    desk.driver.handle([CancelReply(1)])
    await until(lambda: pipe.closed)
    desk.driver.handle([StartReply(2, HELLO)])
    await until(lambda: len(desk.llm.pipes) == 2)
    desk.llm.pipes[1].give(DonePart("m"))
    await desk.fed(ReplyDone)
    assert desk.session.fed == [ReplyText(1, "Good"), ReplyDone(2, "m")]


async def test_a_reply_cancelled_by_its_own_text_stops_there(desk: Desk) -> None:
    def cancel(event: Event) -> list[Request]:
        return [CancelReply(1)] if isinstance(event, ReplyText) else []

    desk.session.answer = cancel
    desk.driver.handle([StartReply(1, HELLO)])
    await until(lambda: bool(desk.llm.pipes))
    desk.llm.pipes[0].give(TextPart("Good"), TextPart(" day"), DonePart("m"))
    await until(lambda: desk.llm.pipes[0].closed)
    assert desk.session.fed == [ReplyText(1, "Good")]


async def test_a_cancellation_that_overtakes_its_reply_makes_it_void(desk: Desk) -> None:
    """The beat's requests reach the loop a moment after the tick; an event's answer may be done before them."""
    desk.driver.handle([CancelReply(1), CancelSpeech(1), DropHearing(1)])
    desk.driver.handle([StartReply(1, HELLO), Speak(1, "One."), StartHearing(1, b""), Speak(2, "Two.")])
    await until(lambda: bool(desk.tts.pipes))
    assert desk.llm.pipes == []
    assert list(desk.tts.pipes) == ["Two."]


async def test_a_finish_that_overtakes_its_segment_is_answered(desk: Desk) -> None:
    desk.driver.handle([FinishHearing(1)])
    desk.driver.handle([StartHearing(1, BLOCK)])
    [failed] = await desk.fed(HearingFailed)
    assert failed.segment == 1


@pytest.mark.parametrize(
    "budgets",
    [Budgets(first_token=0.01), Budgets(next_token=0.01), Budgets(reply=0.01)],
    ids=["first", "next", "whole"],
)
async def test_a_model_that_hangs_has_failed(budgets: Budgets) -> None:
    desk = Desk(budgets=budgets)
    desk.driver.handle([StartReply(1, HELLO)])
    await until(lambda: bool(desk.llm.pipes))
    if budgets.next_token < 1:
        desk.llm.pipes[0].give(TextPart("Good"))
    [failed] = await desk.fed(ReplyFailed)
    assert "ProviderTimeout" in failed.reason
    assert desk.llm.pipes[0].closed
    await desk.driver.close()


@pytest.mark.parametrize("error", [ProviderError("502"), ZeroDivisionError("odd"), asyncio.CancelledError()])
async def test_any_exception_of_a_model_is_a_failed_reply(desk: Desk, error: Any) -> None:
    class Broken:
        async def reply(self, *arguments: object) -> AsyncIterator[TextPart]:
            yield TextPart("Good")
            raise error

    broken = Desk(llm=Broken())
    broken.driver.handle([StartReply(1, HELLO)])
    await broken.fed(ReplyFailed)
    assert broken.session.fed[0] == ReplyText(1, "Good")
    await broken.driver.close()


# ---- acting ----


async def test_a_tool_runs_to_its_end_though_the_reply_was_cancelled(desk: Desk) -> None:
    desk.driver.handle([StartReply(1, HELLO), RunTool("c1", "book", {"day": "Monday"})])
    desk.driver.handle([CancelReply(1), CancelSpeech(1)])
    desk.tools.put_nowait("booked")
    assert await desk.fed(ToolResult) == [ToolResult("c1", "booked")]


async def test_a_tool_that_is_given_up_is_cancelled_and_says_nothing_more() -> None:
    cancelled = asyncio.Event()

    async def hangs(name: str, arguments: dict[str, Any]) -> ToolAnswer:
        try:
            await asyncio.Event().wait()
        finally:
            cancelled.set()
        return ToolAnswer("")

    desk = Desk(run_tool=hangs)
    desk.driver.handle([RunTool("c1", "book", {})])
    await asyncio.sleep(0)
    desk.driver.handle([CancelTool("c1")])
    async with asyncio.timeout(30):
        await cancelled.wait()
    assert desk.session.fed == []
    await desk.driver.close()


async def test_a_tool_that_fails_says_so_to_the_model(desk: Desk) -> None:
    desk.driver.handle([RunTool("c1", "book", {})])
    desk.tools.put_nowait(OSError("no route"))
    [result] = await desk.fed(ToolResult)
    assert not result.ok
    assert result.result == "book failed and was not done: no route"


# ---- the rest ----


async def test_notes_and_the_end_of_the_line_go_to_the_host(desk: Desk) -> None:
    note = Note(20, "started")
    desk.driver.handle([note, CloseLine("idle")])
    assert (desk.notes, desk.closed) == ([note], ["idle"])


async def test_what_an_event_asks_for_is_done_at_once(desk: Desk) -> None:
    def end(event: Event) -> list[Request]:
        return [Note(40, "ended"), CloseLine("user_canceled")]

    desk.session.answer = end
    desk.driver.feed(HangUp("over"))
    assert desk.session.fed == [HangUp("over")]
    assert desk.closed == ["user_canceled"]


async def test_a_chain_of_events_and_requests_is_no_recursion(desk: Desk) -> None:
    """Each verdict asks for the next, a few thousand times."""

    def again(event: Event) -> list[Request]:
        assert isinstance(event, TurnVerdict)
        return [JudgeTurn(event.pause + 1, BLOCK)] if event.pause < 3000 else []

    desk.session.answer = again
    desk.driver.handle([JudgeTurn(1, BLOCK)])
    await desk.fed(TurnVerdict, 3000)


async def test_a_session_that_raises_ends_the_call_and_nothing_else(desk: Desk) -> None:
    def fail(event: Event) -> list[Request]:
        raise LookupError("a fault of ours")

    desk.session.answer = fail
    desk.driver.handle([JudgeTurn(1, BLOCK)])
    await until(lambda: bool(desk.closed))
    assert desk.closed == ["error"]


async def test_close_cancels_everything_and_leaves_no_task() -> None:
    desk = Desk()
    desk.driver.handle([StartHearing(1, BLOCK), StartReply(1, HELLO), RunTool("c1", "book", {})])
    desk.driver.handle([Speak(1, "One."), Speak(2, "Two."), Speak(3, "Three.")])
    await until(lambda: len(desk.tts.pipes) == 2)
    await desk.driver.close()
    assert asyncio.all_tasks() == {asyncio.current_task()}
    assert desk.llm.pipes[0].closed
    assert all(pipe.closed for pipe in desk.tts.pipes.values())
    desk.driver.handle([StartReply(2, HELLO)])
    assert len(desk.llm.pipes) == 1
    assert desk.session.fed == []


async def test_close_does_not_wait_for_ever() -> None:
    released = asyncio.Event()

    async def stubborn(name: str, arguments: dict[str, Any]) -> ToolAnswer:
        while not released.is_set():
            try:
                await released.wait()
            except asyncio.CancelledError:
                continue
        return ToolAnswer("")

    desk = Desk(run_tool=stubborn, budgets=Budgets(close=0.01))
    desk.driver.handle([RunTool("c1", "book", {})])
    await asyncio.sleep(0)
    await desk.driver.close()
    released.set()
    await until(lambda: asyncio.all_tasks() == {asyncio.current_task()})
    assert desk.session.fed == []
