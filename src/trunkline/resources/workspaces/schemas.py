"""Workspaces on the wire."""

from trunkline.platform.http.wire import Wire


class WorkspaceOut(Wire):
    """The workspace that a key belongs to."""

    id: str
    name: str
