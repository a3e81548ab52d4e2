"""Keys as the API looks them up, without a database."""

from collections.abc import Collection
from dataclasses import dataclass, field
from uuid import uuid4

from trunkline.platform.http.auth import Identity

KEY = "ключ with 16 or more characters"


@dataclass
class FewKeys:
    """Knows one key; can forget it."""

    known: dict[str, Identity] = field(default_factory=lambda: {KEY: Identity("abcd2345", uuid4())})
    asked: int = 0
    noted: list[set[str]] = field(default_factory=list)

    async def find(self, key: str) -> Identity | None:
        self.asked += 1
        return self.known.get(key)

    async def used(self, key_ids: Collection[str]) -> None:
        self.noted.append(set(key_ids))
