"""A persona's end of a real call: what it says goes out on a line, in real time, and what it hears is kept."""

import asyncio
import threading
from collections.abc import Coroutine, Mapping
from typing import Any

from trunkline.host.beat import Beat
from trunkline.host.leg import Leg
from trunkline.resources.simulations.cast import Cast
from trunkline.resources.simulations.happenings import Said, Speaker
from trunkline.resources.simulations.room import Room
from trunkline.resources.simulations.text_level import OnEvent
from trunkline.resources.simulations.voice_call import stereo
from trunkline.resources.simulations.voice_level import Side, no_tools
from trunkline.voice.conversation.events import TICK_MS, Event, HangUp, Kind, LineClosed, Note, Request
from trunkline.voice.driver.ticked import Talk
from trunkline.voice.driver.wall import WallDriver
from trunkline.voice.lines.line import Line

_SPEAKERS: Mapping[str, Speaker] = {Kind.AGENT_SAID.value: "caller", Kind.CALLER_SAID.value: "agent"}
"""To the persona the agent is the one who is talked with, as a caller is to an agent."""


class LineCaller:
    """Fulfils host.leg.Owner and Tape for one call that was answered. Belongs to the work loop."""

    def __init__(
        self,
        line: Line,
        cast: Cast,
        side: Side,
        beat: Beat,
        most_turns: int,
        on_event: OnEvent | None = None,
    ) -> None:
        self._on_event = on_event
        self.notes: list[Note] = []
        self._line = line
        self._beat = beat
        self._left_turns = most_turns
        self._size = line.rate * TICK_MS // 500
        self._said, self._heard = bytearray(), bytearray()
        self._over = asyncio.Event()
        self._tasks: set[asyncio.Task[None]] = set()
        lock = threading.Lock()
        talk = _Roomed(cast.talk, cast.room, self._size)
        self._driver = WallDriver(
            talk,
            rate=line.rate,
            profile=cast.profile,
            stt=side.stt,
            tts=side.tts,
            llm=side.llm,
            turn=side.turn,
            run_tool=no_tools,
            on_note=self._note,
            close_line=lambda _: self._do(line.hang_up()),
            send_digits=lambda digits: self._do(line.send_digits(digits)),
            lock=lock,
        )
        self._leg = Leg(line, talk, self, self, lock)

    async def talk(self) -> bytes:
        """Until the line is closed; the sound in stereo, left what was said and right what was heard."""
        self._beat.add(self._leg)
        try:
            await self._over.wait()
        finally:
            await self._beat.remove(self._leg)
            await self._driver.close()
            await self._line.hang_up()
            for task in self._tasks:
                task.cancel()
        return stereo(self._said, self._heard)

    # ---- Tape: on the beat ----

    def tick(self, frame: bytes | None, written: bytes) -> None:
        self._said += written[: self._size].ljust(self._size, b"\0")
        self._heard += (frame or b"").ljust(self._size, b"\0")

    def flush(self) -> None:
        return

    def flushed(self, samples: int) -> None:
        return

    # ---- Owner: on the work loop ----

    def asked(self, requests: list[Request]) -> None:
        self._driver.handle(requests)

    def talk_ended(self) -> None:
        self._over.set()

    def line_closed(self, event: LineClosed) -> None:
        self._over.set()

    def beat_failed(self, error: Exception) -> None:
        self._over.set()

    def _note(self, note: Note) -> None:
        self.notes.append(note)
        if self._on_event is not None and (who := _SPEAKERS.get(note.kind)) is not None:
            self._on_event(Said(who, note.data["text"]))
        if note.kind == Kind.CALLER_SAID.value:
            self._left_turns -= 1
            if self._left_turns < 0:
                self._driver.feed(HangUp("max_turns"))

    def _do(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)


class _Roomed:
    """Fulfils Talk: another, in its room."""

    def __init__(self, talk: Talk, room: Room, size: int) -> None:
        self._talk = talk
        self._room = room
        self._silence = bytes(size)

    @property
    def ended(self) -> bool:
        return self._talk.ended

    def tick(self, frame: bytes | None, speech: float, queued: int) -> tuple[bytes, list[Request]]:
        sound, requests = self._talk.tick(frame, speech, queued)
        around = self._room.around(sound.ljust(len(self._silence), b"\0"))
        return (sound if around == self._silence else around), requests

    def feed(self, event: Event) -> list[Request]:
        return self._talk.feed(event)
