"""`Idempotency-Key`: the same request, sent again, has its effect once and gets the first answer again.

draft-ietf-httpapi-idempotency-key-header: another body under the same key is 422, a request that still runs 409.
Keys belong to a workspace and are kept for a day; only answers of success are kept, for a refused request has had
no effect and may be mended and sent under the same key.

Two ways, by what a route does:

- A route whose work is one transaction runs inside ours: its effect and the kept answer are committed together, so
  there is exactly one effect, whatever dies when. A lock in the database tells that a request still runs.
- A route that reaches outside (a model, somebody's server) leaves a mark first. Who dies in between leaves the mark,
  and the key answers 409 until the mark is `LEASE` old; then the request may run again.
"""

import json
from collections.abc import Awaitable, Callable
from datetime import timedelta
from hashlib import sha256
from uuid import UUID

from fastapi import Request, Response
from sqlalchemy import ColumnElement, delete, func, select, text, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession
from starlette.responses import StreamingResponse

from trunkline.errors import BadInput, Busy, OtherRequest
from trunkline.platform.storage.database import Database
from trunkline.platform.storage.models import IdempotencyKey
from trunkline.platform.storage.secrets import SecretBox

HEADER = "Idempotency-Key"
REPLAYED = "Idempotent-Replayed"
LONGEST = 255
LEASE = timedelta(minutes=5)
KEPT = timedelta(days=1)
_FIELD = "kept answer"

Handle = Callable[[Request], Awaitable[Response]]

_OTHER = f"{HEADER}: this key was sent with another request; choose a new key for a new request."
_RUNNING = f"{HEADER}: the first request with this key still runs; try again in a moment."
_LOCK = text("SELECT pg_try_advisory_xact_lock(hashtextextended(:name, 0))")


class Repeats:
    """What requests of one workspace with a key come to."""

    def __init__(self, database: Database, secrets: SecretBox, workspace_id: UUID) -> None:
        self._database = database
        self._secrets = secrets
        self._workspace = workspace_id

    async def inside(self, key: str, request: Request, handle: Handle) -> Response:
        """Run `handle` in our transaction, or answer what it answered before.

        Raises:
            BadInput: the key is not one.
            OtherRequest: it was used for something else.
            Busy: its first request still runs.
        """
        fingerprint = await _fingerprint(key, request)
        async with self._database.workspace(self._workspace) as session:
            if not await session.scalar(_LOCK, {"name": f"{self._workspace} {key}"}):
                raise Busy(_RUNNING)
            known = await self._known(session, key, fingerprint)
            if known is not None and known.answer is not None:
                return self._replayed(known)
            request.state.transaction = (self._workspace, session)
            answer = await handle(request)
            if answer.status_code >= 400:
                return answer
            await self._mark(session, key, fingerprint)
            return await self._keep(session, key, answer)

    async def beside(self, key: str, request: Request, handle: Handle) -> Response:
        """The same for a `handle` with transactions of its own, or none."""
        fingerprint = await _fingerprint(key, request)
        async with self._database.workspace(self._workspace) as session:
            await self._mark(session, key, fingerprint)  # waits for nobody: marks are committed at once
            known = await self._known(session, key, fingerprint)
            if known is not None and known.answer is not None:
                return self._replayed(known)
            if not await self._claim(session, key):
                raise Busy(_RUNNING)
        try:
            answer = await handle(request)
        except Exception:
            # One that was cancelled may have had its effect: its mark stays, as after a death.
            await self._forget(key)
            raise
        if answer.status_code >= 400:
            await self._forget(key)
            return answer
        async with self._database.workspace(self._workspace) as session:
            return await self._keep(session, key, answer)

    async def _known(self, session: AsyncSession, key: str, fingerprint: bytes) -> IdempotencyKey | None:
        query = select(IdempotencyKey).where(*self._mine(key))
        known = (await session.execute(query)).scalar_one_or_none()
        if known is not None and known.fingerprint != fingerprint:
            raise OtherRequest(_OTHER)
        return known

    async def _mark(self, session: AsyncSession, key: str, fingerprint: bytes) -> None:
        row = {"workspace_id": self._workspace, "key": key, "fingerprint": fingerprint}
        await session.execute(insert(IdempotencyKey).values(row).on_conflict_do_nothing())

    async def _claim(self, session: AsyncSession, key: str) -> bool:
        idle = IdempotencyKey.claimed_at.is_(None) | (IdempotencyKey.claimed_at < func.now() - LEASE)
        statement = update(IdempotencyKey).where(*self._mine(key), idle).values(claimed_at=func.now())
        return await session.scalar(statement.returning(IdempotencyKey.key)) is not None

    async def _forget(self, key: str) -> None:
        async with self._database.workspace(self._workspace) as session:
            await session.execute(delete(IdempotencyKey).where(*self._mine(key)))

    async def _keep(self, session: AsyncSession, key: str, answer: Response) -> Response:
        body = await _whole_body(answer)
        kept = json.dumps([answer.status_code, answer.media_type or answer.headers.get("content-type"), body])
        sealed = self._secrets.seal(self._workspace, _FIELD, kept)  # it may show a key that is shown once
        await session.execute(update(IdempotencyKey).where(*self._mine(key)).values(answer=sealed))
        if isinstance(answer, StreamingResponse):
            return Response(body, answer.status_code, media_type=answer.media_type)
        return answer

    def _replayed(self, known: IdempotencyKey) -> Response:
        status, media_type, body = json.loads(
            self._secrets.open(self._workspace, _FIELD, known.answer or b"")
        )
        return Response(body, status, {REPLAYED: "true"}, media_type)

    def _mine(self, key: str) -> tuple[ColumnElement[bool], ...]:
        return IdempotencyKey.workspace_id == self._workspace, IdempotencyKey.key == key


async def _fingerprint(key: str, request: Request) -> bytes:
    if not (1 <= len(key) <= LONGEST and key.isascii() and key.isprintable()):
        raise BadInput(f"{HEADER} must be 1 to {LONGEST} printable ASCII characters, such as a UUID.")
    head = f"{request.method} {request.url.path}?{request.url.query}\n"
    return sha256(head.encode(errors="surrogatepass") + await request.body()).digest()


async def _whole_body(answer: Response) -> str:
    if not isinstance(answer, StreamingResponse):
        return bytes(answer.body).decode()
    pieces = [piece async for piece in answer.body_iterator]
    return "".join(piece if isinstance(piece, str) else bytes(piece).decode() for piece in pieces)
