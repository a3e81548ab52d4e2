"""The driver of a real call: what providers give is fed at once."""

import threading
from collections import deque
from collections.abc import Callable, Sequence
from typing import Protocol

import structlog

from trunkline.voice.conversation.events import (
    CloseLine,
    EndReason,
    Event,
    Flush,
    Note,
    Request,
    SendDigits,
    Words,
)
from trunkline.voice.conversation.profile import Profile
from trunkline.voice.driver.budgets import Budgets
from trunkline.voice.driver.job import Job
from trunkline.voice.driver.jobs import Jobs
from trunkline.voice.driver.ports import Providers, RunTool
from trunkline.voice.language.ports import LanguageModel
from trunkline.voice.speech.ports import SpeechToText, TextToSpeech, TurnModel

log = structlog.get_logger(__name__)


class Talk(Protocol):
    """What the driver needs of `voice.conversation.session.Session`."""

    def feed(self, event: Event) -> list[Request]: ...


class WallDriver:
    """Drives one call on the work loop; make it there.

    `lock` guards the session against the beat. `on_note`, `close_line` and `send_digits` are called on the loop and
    return at once; `close_line` is handed the reason. A Flush is the beat's own and must not come here.
    """

    def __init__(
        self,
        session: Talk,
        *,
        rate: int,
        profile: Profile,
        stt: SpeechToText,
        tts: TextToSpeech,
        llm: LanguageModel,
        turn: TurnModel,
        run_tool: RunTool,
        on_note: Callable[[Note], None],
        close_line: Callable[[str], None],
        send_digits: Callable[[str], None],
        lock: threading.Lock,
        budgets: Budgets | None = None,
    ) -> None:
        self._session = session
        self._on_note = on_note
        self._close_line = close_line
        self._send_digits = send_digits
        self._lock = lock
        self._inbox: deque[tuple[Job | None, Event]] = deque()
        self._feeding = False
        self._held: dict[Job, list[Event]] = {}
        self._whole: set[Job] = set()
        """Ended while they were held."""
        providers = Providers(stt, tts, llm, turn, run_tool)
        self._jobs = Jobs(providers, profile, rate, budgets or Budgets(), self)

    def handle(self, requests: Sequence[Request]) -> None:
        """Do what the session asks for: starts work and returns. On the work loop."""
        for request in requests:
            match request:
                case Note():
                    self._on_note(request)
                case CloseLine(reason):
                    self._close_line(reason)
                case SendDigits(digits):
                    self._send_digits(digits)
                case Flush():
                    log.error("flush_outside_the_beat")
                case _:
                    self._jobs.start(request)

    def feed(self, event: Event) -> None:
        """Tell the session something of our own (HangUp, Say) and do what it asks for. On the work loop."""
        self._feed(None, event)

    async def close(self) -> None:
        """Cancel all work and wait until it has ended."""
        self._held.clear()
        await self._jobs.close()

    def _feed(self, job: Job | None, event: Event) -> None:
        self._inbox.append((job, event))
        if self._feeding:
            return
        self._feeding = True
        try:
            while self._inbox:
                source, event = self._inbox.popleft()
                if source is None or source.alive:
                    with self._lock:
                        requests = self._session.feed(event)
                    self.handle(requests)
        except Exception:
            # A fault of ours in one call ends that call, and nothing else on this loop.
            log.exception("session_failed", fed=type(event).__name__)
            self._close_line(EndReason.ERROR.value)
        finally:
            self._feeding = False

    # ---- Clock: what comes of the jobs ----

    def began(self, job: Job) -> None:
        return

    def came(self, job: Job, event: Event) -> None:
        if job.blocked:
            self._held.setdefault(job, []).append(event)
        else:
            self._feed(job, event)

    def ended(self, job: Job) -> None:
        if job in self._held:
            self._whole.add(job)
        else:
            self._jobs.settle(job)
            self._release()

    def cancelled(self, job: Job) -> None:
        self._held.pop(job, None)
        self._whole.discard(job)
        self._release()

    def partial(self, event: Words) -> None:
        self._feed(None, event)

    def _release(self) -> None:
        """A job is over: the sound of the sentences after it may go in."""
        while (free := next((held for held in self._held if not held.blocked), None)) is not None:
            for event in self._held.pop(free):
                self._feed(free, event)
            if free in self._whole:
                self._whole.discard(free)
                self._jobs.settle(free)
