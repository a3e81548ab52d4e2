"""A tool server, as far as nothing is said to it: the library of its protocol is not needed here."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import urlsplit

SEPARATOR = "__"
"""Between the namespace of a server and the name of its tool."""


@dataclass(frozen=True)
class ToolServer:
    """A server and how to reach it."""

    id: str
    namespace: str
    url: str
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)

    @property
    def host(self) -> str:
        """Of its address."""
        return urlsplit(self.url).hostname or self.url
