"""Where the parts of a session put what they ask of the world, and read the tick."""

from typing import Any

from trunkline.voice.conversation.events import TICK_MS, Kind, Note, Request


class Outbox:
    """One session's clock and its pending requests."""

    def __init__(self) -> None:
        self.tick = 0
        self._requests: list[Request] = []

    @property
    def now_ms(self) -> int:
        return self.tick * TICK_MS

    def ask(self, request: Request) -> None:
        """Add a request."""
        self._requests.append(request)

    def note(self, kind: Kind, **data: Any) -> None:
        """Add an entry to the call's list."""
        self._requests.append(Note(self.now_ms, kind.value, data))

    def take(self) -> list[Request]:
        """All that was asked since the last time."""
        requests, self._requests = self._requests, []
        return requests
