"""`/v2/analytics`."""

from typing import Annotated, Literal

from fastapi import Query

from trunkline.platform.http.context import Caller, Transaction, keyed_router
from trunkline.platform.http.dates import Since, Until
from trunkline.platform.http.scopes import Scope
from trunkline.resources.analytics.schemas import Analytics
from trunkline.resources.analytics.service import analyse

router = keyed_router("/v2/analytics", "Analytics", Scope.ANALYTICS)


# Bare: not in the envelope.
@router.get("")
async def get_analytics(
    caller: Caller,
    session: Transaction,
    from_date: Annotated[Since, Query()] = None,
    to_date: Annotated[Until, Query()] = None,
    model_id: str | None = None,
    type_of_call: Literal["inbound", "outbound", "widget"] | None = None,
) -> Analytics:
    """What the calls of a period add up to, against as long a time before it."""
    return await analyse(
        session,
        caller.workspace_id,
        first=from_date,
        last=to_date,
        model_id=model_id,
        direction=type_of_call,
    )
