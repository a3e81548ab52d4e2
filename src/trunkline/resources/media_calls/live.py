"""What a voice host asks of the database about a media call. Every method raises Unavailable while that is away."""

from uuid import UUID

from sqlalchemy import select

from trunkline.platform.storage.database import Database
from trunkline.resources.agent_versions.pinned import pinned
from trunkline.resources.agents.models import Agent
from trunkline.resources.calls.closing import end_call, locked
from trunkline.resources.calls.plan import CallPlan, planned_call
from trunkline.resources.calls.record import TelephonyDisconnectReason
from trunkline.resources.calls.status import CallStatus
from trunkline.resources.workspaces.secrets import Opener

_NOT_JOINED = "Nobody opened the call's WebSocket; open wsMediaUrl within a minute."


class MediaClaims:
    """The media calls of one voice process."""

    def __init__(self, database: Database, secret_box: Opener) -> None:
        self._database = database
        self._secrets = secret_box

    async def open(self, call_id: UUID, host: UUID) -> CallPlan | None:
        """The plan of a call that waits on this host, with the version of its agent that was asked for; else None."""
        async with self._database.system() as session:
            call = await locked(session, call_id)
            if call is None or call.status != CallStatus.RINGING or call.host_id != str(host):
                return None
            today = (await session.execute(select(Agent).where(Agent.id == call.agent_id))).scalar_one()
            agent, attached = await pinned(session, today, call.agent_version)
            return await planned_call(session, self._secrets, call, agent, attached=attached)

    async def not_joined(self, call_id: UUID) -> bool:
        """Nobody came: the call is over. False when it is already."""
        async with self._database.system() as session:
            call = await locked(session, call_id)
            if call is None:
                return False
            return await end_call(
                session,
                call,
                CallStatus.NO_ANSWER,
                error_message=_NOT_JOINED,
                disconnect_reason=TelephonyDisconnectReason.UNKNOWN,
            )
