"""One request at work, and the clock that decides when what came of it is fed."""

import asyncio
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Protocol

from trunkline.voice.conversation.events import Event, Request, Words


class Kind(StrEnum):
    """What a job does. HEARING is no job but what others ask for their words."""

    HEARING = "hearing"
    WORDS = "words"
    FINAL_WORDS = "final_words"
    VERDICT = "verdict"
    REPLY = "reply"
    SPEECH = "speech"
    TOOL = "tool"


Key = tuple[Kind, int | str]


@dataclass(eq=False)
class Job:
    """One request at work."""

    key: Key
    request: Request
    after: "Job | None" = None
    """Its events may be fed only when all of this one's were (sentences are heard in order)."""
    alive: bool = True
    """False: cancelled; nothing of it may be fed any more."""
    done: bool = False
    """All of it was fed, or it was cancelled."""
    task: "asyncio.Task[None] | None" = field(default=None, repr=False)

    @property
    def blocked(self) -> bool:
        """Must its events wait for another's?"""
        while self.after is not None and self.after.done:
            self.after = self.after.after
        return self.after is not None


class Clock(Protocol):
    """What becomes of the events of jobs; called on the loop."""

    def began(self, job: Job) -> None:
        """The job was asked for now."""
        ...

    def came(self, job: Job, event: Event) -> None:
        """Next event of a living job."""
        ...

    def ended(self, job: Job) -> None:
        """A living job has nothing more to give; to be settled (`Jobs.settle`) when all of it was fed."""
        ...

    def cancelled(self, job: Job) -> None:
        """A job is not wanted any more; what of it was not fed is forgotten."""
        ...

    def partial(self, event: Words) -> None:
        """Words that a recogniser offers by itself, of a segment that is still open."""
        ...
