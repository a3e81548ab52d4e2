"""The two waits of a talk: nobody speaks, or the caller waits for us."""

from trunkline.voice.conversation.agent import Agent
from trunkline.voice.conversation.events import TICK_MS, Kind
from trunkline.voice.conversation.outbox import Outbox
from trunkline.voice.conversation.profile import Profile

_FILLER_AFTER = 1.5
"""Seconds of waiting after which an agent with fillers says one."""


class Idleness:
    """Nobody speaks: the caller is reminded, and in the end the call is over."""

    def __init__(self, profile: Profile) -> None:
        self._profile = profile
        self._ticks = 0
        self._reminders = 0

    @property
    def seconds(self) -> float:
        return self._ticks * TICK_MS / 1000

    @property
    def is_enough(self) -> bool:
        """Was it so long that nobody can be there?"""
        return self.seconds >= self._profile.allowed_idle

    def tick(self) -> None:
        """One tick more of it."""
        self._ticks += 1

    def restart(self) -> None:
        """Something was done; the reminders there were still count."""
        self._ticks = 0

    def end(self) -> None:
        """Somebody is there."""
        self._ticks = self._reminders = 0

    def reminder_is_due(self) -> bool:
        """True once for each reminder."""
        every = self._profile.reminder_after_idle
        if not every or self._reminders >= self._profile.max_reminders:
            return False
        due = self.seconds >= every * (self._reminders + 1)
        self._reminders += due
        return due


class Deadline:
    """The caller waits for us: a filler after a while, then an apology. Never silence."""

    def __init__(self, outbox: Outbox, profile: Profile, agent: Agent) -> None:
        self._out = outbox
        self._profile = profile
        self._agent = agent
        self._since = 0

    def restart(self) -> None:
        """The wait begins at this tick."""
        self._since = self._out.tick

    def watch(self) -> None:
        """Once a tick, while the caller waits."""
        waited = (self._out.tick - self._since) * TICK_MS / 1000
        if waited >= self._seconds() and not self._agent.waits_for_tool:
            self._out.note(Kind.FAULT, part="reply", reason="nothing to say within the deadline")
            self.restart()
            self._agent.apologise()
        elif waited >= _FILLER_AFTER:
            self._agent.fill_in()

    def _seconds(self) -> float:
        greets = self._agent.reply is not None and self._agent.reply.greets
        deadline = self._profile.thinking_deadline
        return min(deadline, self._profile.greeting_timeout) if greets else deadline
