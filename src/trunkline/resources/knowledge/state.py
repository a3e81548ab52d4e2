"""How far a source has been read, and the arrows between.

    queued ──► reading ──► embedding ──► ready
      ▲  │ └──────┼───────────►│
      │  └────────┴────────────┴───────► failed
      └── from each of them: tried again later, or changed by its owner

Whoever writes a state holds the row, and finds its present state among `sources(to)`.
"""

from enum import StrEnum


class SourceState(StrEnum):
    """The words of our own API."""

    QUEUED = "queued"
    """Waits for its job; with an error text when that is one more try."""
    READING = "reading"
    """Fetched, and turned into text."""
    EMBEDDING = "embedding"
    """Its chunks are there; words find them already, meaning those that have their vector."""
    READY = "ready"
    FAILED = "failed"


_S = SourceState

TRANSITIONS: dict[SourceState, frozenset[SourceState]] = {
    _S.QUEUED: frozenset({_S.READING, _S.EMBEDDING, _S.FAILED, _S.QUEUED}),
    # A job goes on where another one, whose worker died, had begun.
    _S.READING: frozenset({_S.READING, _S.EMBEDDING, _S.FAILED, _S.QUEUED}),
    _S.EMBEDDING: frozenset({_S.EMBEDDING, _S.READY, _S.FAILED, _S.QUEUED}),
    _S.READY: frozenset({_S.QUEUED}),
    _S.FAILED: frozenset({_S.QUEUED}),
}


def sources(to: SourceState) -> frozenset[SourceState]:
    """The states from which a source may move to `to`: the condition of that update."""
    return frozenset(state for state, arrows in TRANSITIONS.items() if to in arrows)
