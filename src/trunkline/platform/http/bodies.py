"""How large a body may be: said before it fills the memory."""

from starlette.datastructures import Headers
from starlette.exceptions import HTTPException
from starlette.types import Message, Receive, Scope

LARGEST = 16 * 1024 * 1024
"""Bytes that any route takes; most take less."""


def too_large(largest: int) -> HTTPException:
    """The answer to a body of more than `largest` bytes."""
    return HTTPException(413, f"The body is larger than {largest // 2**20} MiB; send less at once.")


def announced(scope: Scope) -> int:
    """The length that the request says it has, in bytes; 0 where it says nothing."""
    length = Headers(scope=scope).get("content-length", "")
    return int(length) if length.isdigit() else 0


def limited(scope: Scope, receive: Receive, largest: int) -> Receive:
    """`receive`, but no further than `largest` bytes: a body's length need not be announced.

    Raises:
        HTTPException: 413, here for an announced length, later for one that is not.
    """
    if announced(scope) > largest:
        raise too_large(largest)
    seen = 0

    async def receive_limited() -> Message:
        nonlocal seen
        message = await receive()
        seen += len(message.get("body", b""))
        if seen > largest:
            raise too_large(largest)
        return message

    return receive_limited
