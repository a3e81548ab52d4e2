"""Random requests against random providers: each is answered once, cancelled, or void; order holds; nothing is left."""

import asyncio
import random
from collections import Counter
from collections.abc import AsyncIterator, Callable, Sequence
from typing import Any

import pytest

from tests.voice.driver.stubs import RATE, Desk
from trunkline.voice.conversation.events import (
    CancelReply,
    CancelSpeech,
    DropHearing,
    Event,
    FinishHearing,
    Hear,
    HearingFailed,
    JudgeTurn,
    ReplyDone,
    ReplyFailed,
    Request,
    RunTool,
    Speak,
    SpeechAudio,
    SpeechFailed,
    StartHearing,
    StartReply,
    ToolResult,
    TurnVerdict,
    Words,
)
from trunkline.voice.conversation.profile import Tool
from trunkline.voice.driver.ports import ToolAnswer
from trunkline.voice.language.ports import DonePart, ReplyPart, TextPart
from trunkline.voice.speech.ports import Voice


class Fickle:
    """All providers in one: any of its steps may take a while or raise."""

    rate = RATE
    has_partials = True

    def __init__(self, dice: random.Random) -> None:
        self.dice = dice

    async def step(self) -> None:
        for _ in range(self.dice.randrange(6)):
            await asyncio.sleep(0)
        if self.dice.random() < 0.05:
            raise self.dice.choice(
                [ValueError("odd"), OSError("gone"), asyncio.CancelledError(), TimeoutError()]
            )

    async def reply(
        self, model: str, messages: Sequence[dict[str, Any]], tools: Sequence[Tool] = ()
    ) -> AsyncIterator[ReplyPart]:
        for _ in range(self.dice.randrange(5)):
            await self.step()
            yield TextPart("word ")
        if self.dice.random() < 0.8:
            yield DonePart("m")

    async def speak(self, text: str, voice: Voice) -> AsyncIterator[bytes]:
        for _ in range(self.dice.randrange(5)):
            await self.step()
            yield b"\1\0" * self.dice.randrange(1, 400)

    async def complete(self, pcm: bytes, rate: int) -> float:
        await self.step()
        return 0.5

    def open(
        self,
        rate: int,
        language: str,
        on_partial: Callable[[str], None] | None = None,
        keywords: Sequence[str] = (),
    ) -> "Fickle":
        assert on_partial is not None
        on_partial("early")
        return self

    def push(self, pcm: bytes) -> None:
        if self.dice.random() < 0.02:
            raise ValueError("odd")

    async def words(self) -> str:
        await self.step()
        return "words"

    async def finish(self) -> str:
        await self.step()
        return "words"

    def close(self) -> None:
        return

    async def tool(self, name: str, arguments: dict[str, Any]) -> ToolAnswer:
        await self.step()
        return ToolAnswer("done")


class Asker:
    """Asks for random things, and keeps what an answer is owed for."""

    def __init__(self, dice: random.Random, desk: Desk) -> None:
        self.dice = dice
        self.desk = desk
        self.number = 0
        self.open: list[int] = []
        self.owed: set[tuple[str, int]] = set()
        self.cancelled: dict[tuple[str, int], int] = {}
        """With the count of events fed until then."""

    def ask(self) -> None:
        self.number += 1
        n = self.number
        match self.dice.randrange(6):
            case 0:
                self._owe([StartReply(n, ())], "reply", CancelReply(n))
            case 1 | 2:
                self._owe([Speak(n, "x")], "speech", CancelSpeech(n))
            case 3:
                self._owe([JudgeTurn(n, b"")], "verdict")
            case 4:
                hearing: list[Request] = [StartHearing(n, b"\0\0"), Hear(n, b"\0\0"), FinishHearing(n)]
                self._owe(hearing, "words", DropHearing(n))
            case _:
                self._owe([RunTool(str(n), "t", {})], "tool")
        if self.dice.random() < 0.3:
            self.cancel()

    def cancel(self) -> None:
        """Something that was asked for before, perhaps done by now."""
        kinds: dict[str, Callable[[int], Request]] = {
            "reply": CancelReply, "speech": CancelSpeech, "words": DropHearing
        }  # fmt: skip
        able = [key for key in sorted(self.owed) if key[0] in kinds]
        if able:
            kind, n = self.dice.choice(able)
            self._forget(kind, n)
            self.desk.driver.handle([kinds[kind](n)])

    def _owe(self, requests: Sequence[Request], kind: str, cancel: Request | None = None) -> None:
        """Ask; now and then cancel in the same breath."""
        self.desk.driver.handle(requests)
        self.owed.add((kind, self.number))
        if cancel is not None and self.dice.random() < 0.1:
            self._forget(kind, self.number)
            self.desk.driver.handle([cancel])

    def _forget(self, kind: str, n: int) -> None:
        self.owed.discard((kind, n))
        self.cancelled[kind, n] = len(self.desk.session.fed)


def about(event: Event) -> tuple[str, int]:
    match event:
        case ReplyDone(reply) | ReplyFailed(reply):
            return "reply", reply
        case SpeechAudio(sentence) | SpeechFailed(sentence):
            return "speech", sentence
        case TurnVerdict(pause):
            return "verdict", pause
        case Words(segment) | HearingFailed(segment):
            return "words", segment
        case ToolResult(call):
            return "tool", int(call)
        case _:
            return "reply", getattr(event, "reply", 0)


def is_last(event: Event) -> bool:
    match event:
        case SpeechAudio(_, _, last):
            return last
        case Words(_, _, final):
            return final
        case _:
            return isinstance(
                event, ReplyDone | ReplyFailed | SpeechFailed | TurnVerdict | HearingFailed | ToolResult
            )


@pytest.mark.parametrize("seed", range(40))
async def test_every_request_is_answered_once_or_cancelled(seed: int) -> None:
    dice = random.Random(seed)
    fickle = Fickle(dice)
    desk = Desk(stt=fickle, tts=fickle, llm=fickle, turn=fickle, run_tool=fickle.tool)
    asker = Asker(dice, desk)
    for _ in range(60):
        asker.ask()
        for _ in range(dice.randrange(8)):
            await asyncio.sleep(0)
    async with asyncio.timeout(10):
        while asyncio.all_tasks() != {asyncio.current_task()}:  # noqa: ASYNC110
            await asyncio.sleep(0)

    fed = desk.session.fed
    lasts = Counter(about(event) for event in fed if is_last(event))
    assert {key: lasts[key] for key in asker.owed} == dict.fromkeys(asker.owed, 1)
    for key, until in asker.cancelled.items():
        assert key not in {about(event) for event in fed[until:]}
    sentences = [event.sentence for event in fed if isinstance(event, SpeechAudio | SpeechFailed)]
    assert sentences == sorted(sentences)
    await desk.driver.close()
