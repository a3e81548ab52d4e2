"""The caller is left to others: asked for, done as soon as all is said, until they are ours again."""

from trunkline.voice.conversation.events import Kind
from trunkline.voice.conversation.outbox import Outbox


class Aside:
    """Whether the talk stands aside."""

    def __init__(self, outbox: Outbox) -> None:
        self._out = outbox
        self._wanted = False
        self.on = False
        """It does: no hold of theirs ends that."""

    def want(self) -> None:
        """Stand aside when nothing is being said any more."""
        self._wanted = True

    def begin(self, silent: bool) -> bool:
        """Once a tick; `silent`: nothing is being said. True in the tick in which it begins."""
        if not (self._wanted and silent):
            return False
        self._wanted, self.on = False, True
        self._out.note(Kind.STEPPED_ASIDE)
        return True

    def end(self) -> bool:
        """The caller is ours again; False if they never ceased to be."""
        was_on = self.on
        self._wanted = self.on = False
        if was_on:
            self._out.note(Kind.CAME_BACK)
        return was_on
