"""Whose request is it? `Authorization: Bearer <key>`; the key decides the workspace."""

import hashlib
import time
from collections.abc import Callable, Collection
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Protocol
from uuid import UUID

from trunkline.errors import Forbidden, NotAuthorised
from trunkline.platform.http.scopes import READ, Scope

MISSING = "Missing or invalid Authorization header"
INVALID = "Unauthorized: Invalid or expired token."
LONGEST_KEY = 200
MOST_CACHED = 10_000


@dataclass(frozen=True, slots=True)
class Identity:
    """A key that was accepted."""

    key_id: str
    workspace_id: UUID
    scopes: frozenset[str] | None = None
    """What the key was made for; None: everything."""
    denied: frozenset[str] = frozenset()
    """What the parent has taken from this workspace, a subaccount."""
    expires_at: datetime | None = None
    parent_id: UUID | None = None
    """Whose subaccount the workspace is; None: nobody's."""

    def require(self, scope: Scope, *, write: bool) -> None:
        """Raises Forbidden unless the key and its workspace may do this."""
        if scope in self.denied:
            raise Forbidden(f"This subaccount lacks the permission {scope}; its parent can grant it.")
        if self.scopes is None or scope in self.scopes or (not write and f"{scope}{READ}" in self.scopes):
            return
        wanted = scope if write else f"{scope}{READ}"
        raise Forbidden(
            f"This key lacks the scope {wanted}; make one that has it with `trunkline keys create`."
        )


class Keys(Protocol):
    """Where keys are looked up."""

    async def find(self, key: str) -> Identity | None:
        """The identity of a key that is known and not revoked."""

    async def used(self, key_ids: Collection[str]) -> None:
        """Note that these keys were used just now."""


class Authenticator:
    """Checks keys, remembers good ones for `lifetime` seconds, and reports use in batches.

    A revoked key stops working at once in the process that calls `forget`, elsewhere when its entry runs out; an
    expired one stops at its time everywhere. So with what a parent takes from a subaccount (`forget_workspace`).
    """

    def __init__(
        self, keys: Keys, *, lifetime: float = 30.0, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._keys = keys
        self._lifetime = lifetime
        self._clock = clock
        self._known: dict[bytes, tuple[float, Identity]] = {}
        self._used: set[str] = set()
        self._forgotten = 0

    async def identify(self, key: str | None) -> Identity:
        """The identity behind a key.

        Raises:
            NotAuthorised: there is no key, or it is unknown or revoked.
        """
        if not key:
            raise NotAuthorised(MISSING)
        if len(key) > LONGEST_KEY:
            raise NotAuthorised(INVALID)
        # Never the key itself: what lies in memory long can end up in a dump.
        digest = hashlib.sha256(key.encode(errors="surrogatepass")).digest()
        until, identity = self._known.get(digest, (0.0, None))
        if identity is None or until <= self._clock():
            identity = await self._look_up(key, digest)
        self._used.add(identity.key_id)
        return identity

    async def _look_up(self, key: str, digest: bytes) -> Identity:
        forgotten = self._forgotten
        identity = await self._keys.find(key)
        if identity is None:
            self._known.pop(digest, None)
            raise NotAuthorised(INVALID)
        if forgotten == self._forgotten:  # else what was found may be what was changed meanwhile
            if len(self._known) >= MOST_CACHED:
                self._known.clear()
            self._known[digest] = (self._clock() + self._good_for(identity), identity)
        return identity

    def _good_for(self, identity: Identity) -> float:
        if identity.expires_at is None:
            return self._lifetime
        return min(self._lifetime, (identity.expires_at - datetime.now(UTC)).total_seconds())

    def forget(self, key_id: str) -> None:
        """Drop a key that was revoked; call it when that is committed."""
        self._forget(lambda identity: identity.key_id == key_id)

    def forget_workspace(self, workspace_id: UUID) -> None:
        """Drop the keys of a workspace whose permissions changed, or that was deleted; call it after the commit."""
        self._forget(lambda identity: identity.workspace_id == workspace_id)

    def _forget(self, changed: Callable[[Identity], bool]) -> None:
        self._forgotten += 1
        self._known = {digest: entry for digest, entry in self._known.items() if not changed(entry[1])}

    async def flush(self) -> None:
        """Report the keys used since the last flush."""
        used, self._used = self._used, set()
        if used:
            await self._keys.used(used)
