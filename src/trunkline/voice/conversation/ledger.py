"""Where the time of a turn went. All instants are milliseconds on the call's clock; None until they happened."""

from dataclasses import dataclass
from typing import Any

_ORDER = ("pause_ms", "words_ms", "verdict_ms", "commit_ms", "token_ms", "sentence_ms", "audio_ms", "sent_ms")


@dataclass
class Ledger:
    """One turn, from the caller's last voiced packet to our first voiced one."""

    turn: int
    t0_ms: int
    """Last voiced frame of the caller."""
    pause_ms: int | None = None
    """The pause was found."""
    words_ms: int | None = None
    """The final words of the last segment came."""
    verdict_ms: int | None = None
    """The turn model's verdict came."""
    commit_ms: int | None = None
    """The turn was taken."""
    token_ms: int | None = None
    """First token of the reply that was spoken."""
    sentence_ms: int | None = None
    """First sentence handed to the text-to-speech."""
    audio_ms: int | None = None
    """First sound of it."""
    sent_ms: int | None = None
    """First voiced frame handed to the line."""
    queue_ms: int = 0
    """Sound that was ahead of it in the line."""
    filler: bool = False
    """What sounded first was a filler; the answer came after it."""
    line_ms: int = 0
    """The line's own way in and out: no tick can see it, so it is what was measured for this kind of line."""

    @property
    def heard_gap_ms(self) -> int | None:
        """What the caller waited, as far as this side can know."""
        if self.sent_ms is None:
            return None
        return self.sent_ms + self.queue_ms + self.line_ms - self.t0_ms

    def stages(self) -> dict[str, int]:
        """The wait, split; the parts add up to `heard_gap_ms`.

        Stages overlap (a speculative reply starts before the commit), so each counts only the time by which it was
        later than all before it.
        """
        parts: dict[str, int] = {}
        reached = self.t0_ms
        for name in _ORDER:
            at: int | None = getattr(self, name)
            if at is not None:
                parts[name.removesuffix("_ms")] = max(0, at - reached)
                reached = max(reached, at)
        parts["queue"] = self.queue_ms
        parts["line"] = self.line_ms
        return parts

    def data(self) -> dict[str, Any]:
        """The data of a Kind.TURN note."""
        instants = {name: getattr(self, name) for name in ("t0_ms", *_ORDER)}
        return {
            "turn": self.turn,
            "filler": self.filler,
            **instants,
            "queue_ms": self.queue_ms,
            "line_ms": self.line_ms,
            "heard_gap_ms": self.heard_gap_ms,
            "stages": self.stages(),
        }
