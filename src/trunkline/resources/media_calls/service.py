"""The rules of media calls: a call is written down with a slot of a voice process, which is told to expect it."""

import secrets as tokens
from dataclasses import dataclass
from uuid import UUID

import httpx2
import structlog
from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from trunkline.errors import BadInput, Unavailable
from trunkline.platform.http.context import Platform
from trunkline.platform.storage import system
from trunkline.platform.storage.models import Node
from trunkline.platform.storage.secrets import NODE_TOKEN_HEADER
from trunkline.resources.agent_versions.repository import AgentVersionRepository
from trunkline.resources.agents.models import Agent
from trunkline.resources.agents.repository import AgentRepository
from trunkline.resources.calls.closing import end_call
from trunkline.resources.calls.models import Call
from trunkline.resources.calls.new import outbound_call
from trunkline.resources.calls.status import CallStatus
from trunkline.resources.limits import service as limits
from trunkline.resources.media_calls.schemas import MediaCallCreate
from trunkline.resources.workspaces.limits import check_concurrency, check_dialling
from trunkline.voice import opus
from trunkline.voice.lines.codecs import CodecName

_DRAFT = "draft"
_FULL = "No media host is free; try again in a few seconds."
_log = structlog.get_logger(__name__)


@dataclass(frozen=True)
class MediaCall:
    """A call that waits for its socket, or one that its host would not take."""

    call_id: UUID
    sid: str
    url: str
    """The host's base URL for sockets."""
    fault: str = ""


async def start(parts: Platform, workspace_id: UUID, body: MediaCallCreate) -> MediaCall:
    """Write a call down and have its host expect it. Every transaction is short; none waits for the host.

    Raises:
        BadInput: the agent, its version or the server's name is unknown, or the codec is not here.
        Unavailable: no media host is free.
        OverLimit: the workspace has too many calls.
    """
    if body.ws_media_codec is CodecName.OPUS and not opus.available():
        raise BadInput("wsMediaCodec: there is no libopus on this machine; send pcmu, pcma or l16.")
    async with parts.database.workspace(workspace_id) as session:
        await check_dialling(session, workspace_id)
        agent, version = await _agent(session, workspace_id, body)
    async with parts.database.system() as session:
        node = await _take(session, body.ws_media_server_name)
        call = _call(agent, version, body)
        call.host_id = node.id
        call.started_at = call.ringing_at = (await session.execute(select(func.now()))).scalar_one()
        session.add(call)
        await session.flush()
        await limits.admit(session, workspace_id)  # last: it holds up the workspace's calls until the commit
        await check_concurrency(session, workspace_id)
    sid = tokens.token_urlsafe(24)
    order = {
        "call_id": str(call.id),
        "sid": sid,
        "codec": body.ws_media_codec.value,
        "framing": body.ws_media_framing.value,
    }
    fault = await _announce(parts, node, order)
    if fault:
        async with parts.database.system() as session:
            await end_call(session, call, CallStatus.FAILED, error_message=fault, end_reason="error")
    return MediaCall(call.id, sid, base_url(node), fault)


async def free_node(parts: Platform) -> Node:
    """A media host with room. Raises Unavailable."""
    async with parts.database.system() as session:
        node = await system.emptiest_node(session)
    if node is None:
        raise Unavailable(_FULL)
    return node


def base_url(node: Node) -> str:
    """Where a host's sockets are opened."""
    return f"ws{node.control_url.removeprefix('http').rstrip('/')}/media"


async def _agent(session: AsyncSession, workspace_id: UUID, body: MediaCallCreate) -> tuple[Agent, str]:
    agent = await AgentRepository(session, workspace_id).get(body.model_id)
    if agent is None:
        raise BadInput(f"modelId: there is no agent {body.model_id}.")
    wanted = body.agent_version
    if not wanted or wanted == _DRAFT:
        return agent, str(agent.version)
    if await AgentVersionRepository(session, workspace_id).get(agent.id, wanted) is None:
        raise BadInput(f"agentVersion: the agent has no version {wanted}; leave it out for the live one.")
    return agent, str(int(wanted))


async def _take(session: AsyncSession, server_name: str) -> Node:
    """A slot of the host that is named, or of any."""
    if not server_name:
        node = await system.take_any_slot(session)
        if node is None:
            raise Unavailable(_FULL)
        return node
    named = await session.get(Node, server_name)
    if named is None:
        raise BadInput(
            "wsMediaServerName: there is no such media server; read it from the server_info message."
        )
    if not await system.take_slot(session, named.id):
        raise Unavailable(_FULL)
    return named


def _call(agent: Agent, version: str, body: MediaCallCreate) -> Call:
    call = outbound_call(
        agent,
        CallStatus.RINGING,
        number_from=body.from_phone_number,
        number_to=body.to_phone_number,
        name=body.lead_name,
        variables={},
        overrides={},
    )
    call.deployment_type = None
    call.agent_version = version
    return call


async def _announce(parts: Platform, node: Node, order: dict[str, str]) -> str:
    """Tell a host to expect a call; why it does not, "" when it does."""
    url = f"{node.control_url.rstrip('/')}/media-calls"
    try:
        answer = await parts.nodes.post(
            url, json=order, headers={NODE_TOKEN_HEADER: parts.secrets.node_token}
        )
    except httpx2.TransportError as error:
        _log.warning("media_host_silent", call_id=order["call_id"], error=type(error).__name__)
        return "The media host does not answer; try again."
    if answer.is_error:
        _log.warning("media_host_refused", call_id=order["call_id"], status=answer.status_code)
        return f"The media host would not take the call ({answer.status_code}); try again."
    return ""
