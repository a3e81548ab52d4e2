"""The voice process that holds a call, as the API reaches it.

Transactions of their own, each short: none is held while a voice process is waited for.
"""

from typing import Any, Protocol

import httpx2
import structlog

from trunkline.errors import Conflict, Unavailable
from trunkline.platform.http.auth import Identity
from trunkline.platform.http.context import Platform
from trunkline.platform.storage import system
from trunkline.platform.storage.database import Database
from trunkline.platform.storage.secrets import NODE_TOKEN_HEADER, SecretBox
from trunkline.resources.calls.endpoints import calls_of
from trunkline.resources.calls.models import Call
from trunkline.resources.calls.status import FINAL, CallStatus

_log = structlog.get_logger(__name__)


class Nodes(Protocol):
    """What reaches the installation's own voice processes: of `Platform`, and of a worker."""

    @property
    def database(self) -> Database: ...

    @property
    def secrets(self) -> SecretBox: ...

    @property
    def nodes(self) -> httpx2.AsyncClient: ...


async def call_of(parts: Platform, caller: Identity, call_id: str) -> Call:
    """One of the caller's calls. Raises NotFound."""
    async with parts.database.workspace(caller.workspace_id) as session:
        return await calls_of(session, caller).get(call_id)


async def command(
    parts: Nodes, call: Call, verb: str, body: dict[str, Any], seconds: float = 5.0
) -> dict[str, Any]:
    """Tell the holder of a live call what to do with it; its answer, for which it has so many seconds.

    Raises:
        Conflict: the call is not live, or is busy with another such command.
        Unavailable: its voice process does not answer.
    """
    if CallStatus(call.status) in FINAL:
        raise Conflict(f"The call has ended already ({call.status}).")
    url = await _control_url(parts, call)
    if url is None:
        raise Conflict(f"The call is {call.status}: no voice process holds it yet; try again when it is on.")
    try:
        answer = await parts.nodes.post(f"{url}/{verb}", json=body, headers=_token(parts), timeout=seconds)
    except httpx2.TransportError as error:
        raise Unavailable("The voice process that holds the call does not answer; try again.") from error
    if answer.status_code == httpx2.codes.NOT_FOUND:
        raise Conflict("The call is not live: it is not answered yet, or has just ended.")
    if answer.status_code == httpx2.codes.CONFLICT:
        raise Conflict(str(answer.json()["error"]))
    if answer.is_error:
        raise Unavailable(f"The voice process refused to {verb} ({answer.status_code}); try again.")
    told: dict[str, Any] = answer.json()
    return told


async def events_of(parts: Platform, call: Call) -> httpx2.Response | None:
    """The open stream of events from the voice process that holds the call; None if there is none."""
    url = await _control_url(parts, call)
    if url is None:
        return None
    request = parts.nodes.build_request(
        "GET", f"{url}/events", headers=_token(parts), timeout=httpx2.Timeout(5.0, read=None)
    )
    try:
        answer = await parts.nodes.send(request, stream=True)
    except httpx2.TransportError as error:
        _log.warning("voice_host_silent", call_id=str(call.id), error=type(error).__name__)
        return None
    if answer.status_code == httpx2.codes.OK:
        return answer
    await answer.aclose()
    return None


async def _control_url(parts: Nodes, call: Call) -> str | None:
    """The call's own address at the voice process that holds it."""
    if call.host_id is None:
        return None
    async with parts.database.system() as session:
        hosts = {node.id: node.control_url for node in await system.nodes(session)}
    url = hosts.get(call.host_id)
    return f"{url.rstrip('/')}/calls/{call.id}" if url else None


def _token(parts: Nodes) -> dict[str, str]:
    return {NODE_TOKEN_HEADER: parts.secrets.node_token}
