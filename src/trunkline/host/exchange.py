"""What transfers of one voice process share: the engine that calls those who take over, and how many at once."""

from collections.abc import Iterator
from contextlib import contextmanager

from trunkline.errors import NoFreeSlot, Unavailable
from trunkline.host.archive import Archive
from trunkline.voice.lines.line import LineEngine


class Exchange:
    """Belongs to the work loop."""

    def __init__(self, archive: Archive, lines: int) -> None:
        """`lines`: to those who are asked to take over, at once; beside those of calls, so a full host can hand over."""
        self.archive = archive
        self._engine: LineEngine | None = None
        self._lines = lines
        self._taken = 0

    @property
    def engine(self) -> LineEngine:
        """Raises Unavailable before the host has started."""
        if self._engine is None:
            raise Unavailable("The voice host is still starting; try again in a moment.")
        return self._engine

    def open(self, engine: LineEngine) -> None:
        """Calls go out through this engine from now on."""
        self._engine = engine

    @contextmanager
    def line(self) -> Iterator[None]:
        """One line, for as long as the block runs. Raises NoFreeSlot."""
        if self._taken >= self._lines:
            raise NoFreeSlot(f"All {self._lines} lines for transfers of this voice host are taken.")
        self._taken += 1
        try:
            yield
        finally:
            self._taken -= 1

    @property
    def taken(self) -> int:
        """Lines that are out."""
        return self._taken
