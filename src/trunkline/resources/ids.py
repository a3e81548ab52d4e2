"""Ids are opaque texts to a caller; ours are UUIDs."""

from uuid import UUID


def as_uuid(text: str) -> UUID | None:
    """The UUID that a text is, or None: then nothing of ours has that id."""
    try:
        return UUID(text)
    except ValueError:
        return None
