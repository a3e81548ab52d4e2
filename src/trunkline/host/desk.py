"""What all calls of a voice process share."""

from dataclasses import dataclass

from trunkline.host.beat import Beat
from trunkline.host.exchange import Exchange
from trunkline.host.parts import Parts
from trunkline.host.writer import EventWriter
from trunkline.resources.actions.work import Means


@dataclass(frozen=True)
class Desk:
    """Handed to every call."""

    beat: Beat
    parts: Parts
    writer: EventWriter
    means: Means
    """What actions work with."""
    exchange: Exchange
    """What transfers work with."""
