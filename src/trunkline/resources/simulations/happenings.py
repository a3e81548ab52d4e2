"""What happened in a simulated talk, as rules and judges read it. Times are milliseconds from the talk's beginning."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

Speaker = Literal["agent", "caller"]


@dataclass(frozen=True)
class Said:
    """One turn. At the text level nothing has a time."""

    who: Speaker
    text: str
    start_ms: int | None = None
    end_ms: int | None = None
    """When the last sound of it was heard."""


@dataclass(frozen=True)
class Called:
    """A tool that the agent called."""

    name: str
    arguments: Mapping[str, Any] = field(default_factory=dict)
    result: Any = None
    ok: bool = True
    turn: int = 0
    """How many turns had begun: a call with 3 comes after `turns[2]` began and before `turns[3]`."""
    at_ms: int | None = None


@dataclass(frozen=True)
class Happenings:
    """A talk that is over. What is None was not observed, so that nothing can be said of it."""

    turns: tuple[Said, ...] = ()
    calls: tuple[Called, ...] | None = ()
    """In the order in which they began."""
    transfers: tuple[str, ...] | None = ()
    """Numbers or names to which the caller was passed."""
    end_reason: str | None = None
    end_detail: str = ""
    """The reason of the agent's own for which it ended the talk, where it named one."""
    variables: Mapping[str, Any] | None = None
    state: Any = None
    """JSON: the world that the mocked tools changed."""
    caller_spoke: tuple[tuple[int, int], ...] | None = None
    """When each of the caller's turns began and ended, pauses within it included, by the caller's own clock."""

    def in_order(self) -> list[Said | Called]:
        """What was said and called, each call after the turns that had begun."""
        calls = self.calls or ()
        found: list[Said | Called] = []
        for n in range(len(self.turns) + 1):
            found += self.turns[n - 1 : n] if n else ()
            last = n == len(self.turns)
            found += [each for each in calls if each.turn == n or (last and each.turn > n)]
        return found
