"""Sending one request to an address of a user's, and telling what came of it in the form of its log."""

import asyncio
from collections.abc import Callable
from dataclasses import replace

from trunkline.errors import OutboundFailed, OutboundRefused
from trunkline.platform.outbound.client import Outbound
from trunkline.resources.webhooks.record import Delivery

GIVEN_UP = "the request was given up before an answer came"


async def send(
    outbound: Outbound,
    request: Delivery,
    within: float,
    given_up: Callable[[Delivery], None] = lambda delivery: None,
) -> Delivery:
    """Send it, once, within so many seconds: with its answer, or why there is none. Raises nothing for an address that fails.

    `given_up` is told instead when this is cancelled before an answer came.
    """
    try:
        answer = await outbound.send(
            request.method, request.url, headers=request.headers, content=request.body, within=within
        )
    except OutboundRefused as refused:
        return replace(request, error=str(refused))
    except OutboundFailed as failed:
        return replace(request, error=str(failed), timed_out=failed.timed_out)
    except asyncio.CancelledError:
        given_up(replace(request, error=GIVEN_UP, timed_out=True))
        raise
    return replace(request, answer=answer)
