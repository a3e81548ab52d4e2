"""What the tests of whole calls stand on: a voice host with in-tree twins all around, and a caller by its tones."""

import asyncio
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Generic, Protocol, TypeVar
from uuid import uuid4

import numpy as np

from trunkline.host.archive import Archive
from trunkline.host.beat import Beat
from trunkline.host.desk import Desk
from trunkline.host.exchange import Exchange
from trunkline.host.holding import Holding
from trunkline.host.host import Options, VoiceHost
from trunkline.host.journal import Journal
from trunkline.host.node import Identity, Node
from trunkline.host.parts import Parts
from trunkline.host.recorder import RecordingWriter
from trunkline.host.writer import EventWriter
from trunkline.platform.outbound.client import Outbound
from trunkline.platform.storage.blobs import Blobs, open_blobs
from trunkline.platform.storage.database import Database
from trunkline.platform.storage.secrets import SecretBox
from trunkline.resources.actions.work import Means
from trunkline.resources.calls.inbound_webhook import InboundWebhook
from trunkline.resources.calls.live import LiveCalls
from trunkline.voice.language.embeddings_twin import WordEmbeddings
from trunkline.voice.language.twins import Line as ScriptedReply
from trunkline.voice.language.twins import Rule, ScriptedLanguageModel
from trunkline.voice.lines.loopback import LoopbackLine
from trunkline.voice.lines.loopback_engine import LoopbackEngine
from trunkline.voice.speech import tones
from trunkline.voice.speech.ports import TurnModel
from trunkline.voice.speech.twins import FixedTurn, LevelActivity, ToneEars, ToneVoice

RATE = 8000
SPEED = 20
"""Times faster than the wall clock."""
_PAUSE = 5
"""Ticks."""
_LOUD = 500
"""Peak above which a frame is no silence; codecs leave a little of what was before."""


def parrot(messages: Sequence[dict[str, Any]]) -> ScriptedReply:
    """Says what it heard."""
    return ScriptedReply(f"You said {messages[-1]['content']}.")


@dataclass
class Twins:
    """Whom calls hear and speak with."""

    ears: ToneEars = field(default_factory=ToneEars)
    voice: ToneVoice = field(default_factory=ToneVoice)
    turn: TurnModel = field(default_factory=lambda: FixedTurn(0.99))


class HandBeat(Beat):
    """A beat without a thread: a test steps it."""

    @property
    def alive(self) -> bool:
        return True


class Ear(Protocol):
    """What a caller needs of the far end of a line."""

    def write(self, pcm: bytes) -> int: ...

    def read(self) -> bytes: ...


E = TypeVar("E", bound=Ear)


class Caller(Generic[E]):
    """The far end of a call."""

    def __init__(self, line: E, rate: int = RATE) -> None:
        self.line = line
        self._rate = rate
        self.heard = ""
        """Every word so far; read when the other side has been silent for 100 ms."""
        self._sound = bytearray()
        self._quiet = 0

    def say(self, text: str) -> None:
        self.line.write(tones.speak(text, self._rate))

    @property
    def hears_sound(self) -> bool:
        """Is there sound just now?"""
        return self._quiet == 0 and bool(self._sound)

    def listen(self) -> None:
        """20 ms more."""
        frame = self.line.read()
        self._quiet = 0 if _is_loud(frame) else self._quiet + 1
        if self._quiet <= _PAUSE:
            self._sound += frame
        if self._quiet == _PAUSE and self._sound:
            self.heard = f"{self.heard} {tones.hear(bytes(self._sound), self._rate)}".strip()
            self._sound.clear()


def _is_loud(frame: bytes) -> bool:
    return bool(frame) and int(np.abs(np.frombuffer(frame, "<i2").astype(int)).max()) > _LOUD


class Assembled:
    """One voice process around a beat and an engine, with in-tree twins for everything it asks."""

    def __init__(
        self,
        database: Database,
        live: LiveCalls,
        folder: Path,
        lines: int = 2,
        llm: ScriptedLanguageModel | None = None,
        twins: Twins | None = None,
        blobs: Blobs | None = None,
    ) -> None:
        self.database = database
        self.live = live
        self.answers: Rule = parrot
        """What the model says; a test may set another."""
        self.llm = llm or ScriptedLanguageModel(rule=lambda messages: self.answers(messages))
        self.pool = ThreadPoolExecutor(1)
        speech = twins or Twins()
        self.ears = speech.ears
        self.parts = Parts(LevelActivity(), speech.turn, speech.ears, speech.voice, self.llm, self.pool)
        self.beat = self._beat()
        self.blobs = blobs or open_blobs(folder / "blobs")
        self.recordings = RecordingWriter(self.blobs)
        self.journal = Journal(folder / "journal")
        self.writer = EventWriter(live, self.journal, lambda call_id: self.holding.found_closed(call_id))
        self.outbound = Outbound("127.0.0.1")
        self.embeddings = WordEmbeddings()
        secrets = SecretBox("a key of sixteen or more")
        means = Means(database, secrets, self.outbound, embeddings=self.embeddings)
        archive = Archive(self.blobs, self.recordings)
        self.exchange = Exchange(archive, lines)
        desk = Desk(self.beat, self.parts, self.writer, means, self.exchange)
        self.inbound = InboundWebhook(database, secrets, self.outbound)
        self.holding = Holding(desk, live, archive, self.inbound)

    def _beat(self) -> Beat:
        return Beat(self.parts.vad, asyncio.get_running_loop())

    def open(self, capacity: int, drain: float) -> tuple[VoiceHost, Node]:
        """The host and its entry among the hosts; neither is started."""
        host = VoiceHost(self.holding, capacity, Options(ring_pause=0.0, ring_timeout=5.0, drain=drain))
        return host, self.join(Identity(uuid4(), "http://127.0.0.1:1", "127.0.0.1:1", capacity))

    def join(self, identity: Identity) -> Node:
        """The entry of a host among the others."""
        return Node(self.database, identity, lambda: self.holding.calls, self.holding.found_closed)

    async def close(self) -> None:
        """After the host has stopped."""
        await self.recordings.stop()
        await self.writer.stop()
        self.pool.shutdown()
        await self.outbound.close()

    async def drop(self) -> None:
        """After the process was killed: what the machine takes back of it."""
        self.journal.close()
        self.pool.shutdown()
        await self.outbound.close()


class Rig(Assembled):
    """One voice process without its threads."""

    def __init__(
        self,
        database: Database,
        live: LiveCalls,
        folder: Path,
        capacity: int = 2,
        llm: ScriptedLanguageModel | None = None,
        twins: Twins | None = None,
        blobs: Blobs | None = None,
    ) -> None:
        super().__init__(database, live, folder, llm=llm, twins=twins, blobs=blobs)
        self.engine = LoopbackEngine(RATE)
        self.host, self.node = self.open(capacity, drain=20.0)
        self.callers: list[Caller[Any]] = []
        self.speed = SPEED

    def _beat(self) -> Beat:
        return HandBeat(self.parts.vad, asyncio.get_running_loop())

    async def start(self) -> None:
        await self.writer.start()
        self.recordings.start()
        await self.host.start(self.engine, self.node)

    async def stop(self) -> None:
        self.host.hurry()
        await self.meanwhile(self.host.drain())
        await self.host.stop()
        await self.close()

    async def call(self, number: str) -> Caller[LoopbackLine]:
        """Someone dials."""
        caller = Caller(await self.engine.call(number, "+15550199"))
        self.callers.append(caller)
        return caller

    async def until(self, true: Callable[[], bool]) -> None:
        """Let time pass on lines and beat until something is so; at most 20 s of the wall clock."""
        async with asyncio.timeout(20):
            while not true():
                await self.tick()

    async def wait(self, ticks: int) -> None:
        """Let that much time pass on lines and beat."""
        for _ in range(ticks):
            await self.tick()

    async def meanwhile(self, work: Any) -> None:
        """Let time pass until something else has ended."""
        task = asyncio.ensure_future(work)
        await self.until(task.done)
        await task

    async def tick(self) -> None:
        """20 ms more, on lines and beat."""
        self.engine.advance()
        self.beat.step()
        for caller in self.callers:
            caller.listen()
        await asyncio.sleep(0.02 / self.speed)
