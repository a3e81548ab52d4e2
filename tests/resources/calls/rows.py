"""Calls for tests, as they lie in the database."""

from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import select

from tests.resources.api import Api
from trunkline.resources.calls.models import Call

NUMBER = "+14155550100"
LEAD = "+14155552671"
NOON = datetime(2026, 4, 22, 12, tzinfo=UTC)


async def row(api: Api, call_id: str) -> Call:
    """What is stored of a call."""
    async with api.database.workspace(api.workspace.id) as session:
        return (await session.execute(select(Call).where(Call.id == UUID(call_id)))).scalar_one()


async def store(api: Api, agent: str, **columns: Any) -> str:
    """A call as it would be after it was held."""
    call = Call(
        **{
            "workspace_id": api.workspace.id,
            "agent_id": UUID(agent),
            "direction": "outbound",
            "status": "completed",
            "created_at": NOON,
            "other_party": LEAD,
            **columns,
        }
    )
    async with api.database.workspace(api.workspace.id) as session:
        session.add(call)
    return str(call.id)
