"""Versions of agents on the wire."""

from typing import Any

from trunkline.platform.http.wire import Json, Wire


class VersionListItem(Wire):
    """A version in a list. `is_live`: new calls are held with it."""

    version: str
    name: str
    is_live: bool
    restored_from: str | None
    created_at: str


class VersionOut(VersionListItem):
    """One version with all that the agent was."""

    content: dict[str, Any]


class Changed(Wire):
    """A member that is not the same in two versions; null where it is absent."""

    path: str
    before: Json
    after: Json


class VersionDiff(Wire):
    """What changed from one version to another."""

    from_version: str
    to_version: str
    changes: list[Changed]
