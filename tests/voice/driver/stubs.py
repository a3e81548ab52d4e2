"""Providers that a test holds by the hand, and a session that only writes down."""

import asyncio
import threading
from collections.abc import AsyncIterator, Callable, Sequence
from typing import Any, Generic, TypeVar

from trunkline.voice.conversation.events import Event, Note, Request
from trunkline.voice.conversation.profile import Profile, Tool
from trunkline.voice.driver.budgets import Budgets
from trunkline.voice.driver.ports import ToolAnswer
from trunkline.voice.driver.wall import WallDriver
from trunkline.voice.language.ports import ReplyPart
from trunkline.voice.speech.ports import Hearing, Voice
from trunkline.voice.speech.twins import FixedTurn, ToneEars

RATE = 8000
T = TypeVar("T")


async def until(true: Callable[[], bool]) -> None:
    """Wait for something that nobody tells of."""
    async with asyncio.timeout(10):
        while not true():  # noqa: ASYNC110
            await asyncio.sleep(0)


class Scribe:
    """A session that writes down what it is fed and answers as it is told."""

    def __init__(self) -> None:
        self.fed: list[Event] = []
        self.answer: Callable[[Event], list[Request]] = lambda event: []

    def feed(self, event: Event) -> list[Request]:
        self.fed.append(event)
        return self.answer(event)

    def of(self, kind: type[Event]) -> list[Any]:
        return [event for event in self.fed if isinstance(event, kind)]


class Pipe(Generic[T]):
    """A stream whose items a test hands out; an exception among them is raised."""

    def __init__(self) -> None:
        self.items: asyncio.Queue[T | Exception | None] = asyncio.Queue()
        self.closed = False

    def give(self, *items: T | Exception | None) -> None:
        """None ends the stream."""
        for item in items:
            self.items.put_nowait(item)

    async def stream(self) -> AsyncIterator[T]:
        try:
            while (item := await self.items.get()) is not None:
                if isinstance(item, Exception):
                    raise item
                yield item
        finally:
            self.closed = True


class HeldModel:
    """A language model of pipes, one a reply, in order."""

    def __init__(self) -> None:
        self.pipes: list[Pipe[ReplyPart]] = []
        self.asked: list[tuple[str, Sequence[dict[str, Any]], Sequence[Tool]]] = []

    def reply(
        self, model: str, messages: Sequence[dict[str, Any]], tools: Sequence[Tool] = ()
    ) -> AsyncIterator[ReplyPart]:
        self.asked.append((model, messages, tools))
        self.pipes.append(Pipe())
        return self.pipes[-1].stream()

    async def warm(self, model: str, messages: Sequence[dict[str, Any]], tools: Sequence[Tool] = ()) -> None:
        return

    async def close(self) -> None:
        return


class HeldVoice:
    """A text-to-speech of pipes, one a text."""

    rate = RATE

    def __init__(self) -> None:
        self.pipes: dict[str, Pipe[bytes]] = {}

    def speak(self, text: str, voice: Voice) -> AsyncIterator[bytes]:
        self.pipes[text] = Pipe()
        return self.pipes[text].stream()

    async def warm(self) -> None:
        return

    async def close(self) -> None:
        return


class Faulty:
    """A provider of everything in which everything goes wrong, with an exception of no known kind."""

    rate = RATE
    has_partials = False

    def __init__(self, where: str) -> None:
        self.where = where

    def open(
        self,
        rate: int,
        language: str,
        on_partial: Callable[[str], None] | None = None,
        keywords: Sequence[str] = (),
    ) -> Hearing:
        self._fail("open")
        return self

    def push(self, pcm: bytes) -> None:
        self._fail("push")

    async def words(self) -> str:
        raise KeyError("words")

    async def finish(self) -> str:
        raise KeyError("finish")

    def close(self) -> None:
        raise KeyError("close")

    def _fail(self, where: str) -> None:
        if self.where == where:
            raise KeyError(where)

    async def warm(self) -> None:
        return


class Desk:
    """A WallDriver with stubs all around."""

    def __init__(self, **changes: Any) -> None:
        self.session = Scribe()
        self.llm = HeldModel()
        self.tts = HeldVoice()
        self.notes: list[Note] = []
        self.closed: list[str] = []
        self.pressed: list[str] = []
        self.tools: asyncio.Queue[str | Exception] = asyncio.Queue()
        parts: dict[str, Any] = {
            "stt": ToneEars(),
            "tts": self.tts,
            "llm": self.llm,
            "turn": FixedTurn(0.7),
            "run_tool": self.run_tool,
            "budgets": Budgets(),
        }
        self.driver = WallDriver(
            self.session,
            rate=RATE,
            profile=Profile(prompt="", model="gpt-4.1"),
            on_note=self.notes.append,
            close_line=self.closed.append,
            send_digits=self.pressed.append,
            lock=threading.Lock(),
            **(parts | changes),
        )

    async def run_tool(self, name: str, arguments: dict[str, Any]) -> ToolAnswer:
        result = await self.tools.get()
        if isinstance(result, Exception):
            raise result
        return ToolAnswer(result)

    async def fed(self, kind: type[Event], count: int = 1) -> list[Any]:
        """The events of a kind, once so many were fed."""
        await until(lambda: len(self.session.of(kind)) >= count)
        return self.session.of(kind)
