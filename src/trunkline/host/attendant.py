"""The agent on one line: what a call and the briefing of a person have in common."""

import threading
from collections.abc import Sequence
from typing import Protocol

from trunkline.host.desk import Desk
from trunkline.host.leg import Leg, Owner, Tape
from trunkline.voice.conversation.events import Event, Note, Request
from trunkline.voice.conversation.profile import Profile
from trunkline.voice.conversation.session import Session
from trunkline.voice.driver.ports import RunTool
from trunkline.voice.driver.wall import WallDriver
from trunkline.voice.lines.line import Line
from trunkline.voice.speech.wanted import Wanted


class Employer(Owner, Protocol):
    """Whom the agent works for. All are called on the work loop and return at once."""

    def note(self, note: Note) -> None:
        """This happened in the conversation."""
        ...

    def close_line(self, reason: str) -> None:
        """The conversation wants the line closed."""
        ...

    def send_digits(self, digits: str) -> None:
        """The conversation presses keys."""
        ...


class Attendant:
    """A session, the driver that does what it asks for, and its leg for the beat. Belongs to the work loop."""

    def __init__(
        self,
        line: Line,
        profile: Profile,
        wanted: Wanted,
        desk: Desk,
        tape: Tape,
        employer: Employer,
        run_tool: RunTool,
    ) -> None:
        """`wanted`: who hears and speaks. Raises SetupError where there is nobody who does."""
        self._employer = employer
        lock = threading.Lock()
        speech = desk.parts.speech_for(wanted)
        self.session = Session(profile, line.rate, speech.stt.has_partials, line.delay_ms)
        self._driver = WallDriver(
            self.session,
            rate=line.rate,
            profile=profile,
            stt=speech.stt,
            tts=speech.tts,
            llm=desk.parts.llm,
            turn=desk.parts.turn,
            run_tool=run_tool,
            on_note=employer.note,
            close_line=employer.close_line,
            send_digits=employer.send_digits,
            lock=lock,
        )
        self.leg = Leg(line, self.session, tape, employer, lock)

    def feed(self, event: Event) -> None:
        """Tell the session something, and do what it asks for."""
        self._driver.feed(event)

    def do(self, requests: Sequence[Request]) -> None:
        """Do what the session has asked for on the beat; a fault of it ends this conversation."""
        try:
            self._driver.handle(requests)
        except Exception as error:  # noqa: BLE001 - one conversation's fault ends it, never the loop's other work
            self._employer.beat_failed(error)

    async def close(self) -> None:
        """Cancel all work and wait until it has ended. The leg is the beat's to give back."""
        await self._driver.close()
