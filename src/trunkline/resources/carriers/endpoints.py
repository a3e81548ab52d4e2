"""`/trunkline/v1/lines`. The streams themselves are opened at the voice process (`host/carriers_http.py`)."""

from datetime import UTC, datetime, timedelta
from typing import Annotated

from fastapi import Query, Request

from trunkline.errors import NotFound
from trunkline.platform.http.context import Caller, Parts, keyed_router, needs
from trunkline.platform.http.errors import ErrorEnvelope
from trunkline.platform.http.scopes import Scope
from trunkline.platform.http.wire import Ok, ok
from trunkline.resources.agents.repository import AgentRepository
from trunkline.resources.carriers import tokens
from trunkline.resources.carriers.markup import markup, url_of
from trunkline.resources.carriers.schemas import CarrierName, LineOut
from trunkline.resources.media_calls.service import free_node

router = keyed_router("/trunkline/v1/lines", "Lines", Scope.PHONE_NUMBERS)

_YEAR = 366 * 86_400
Seconds = Annotated[int | None, Query(ge=60, le=_YEAR)]


@router.get(
    "/{carrier}/{model_id}",
    dependencies=[needs(Scope.INBOUND)],
    responses={404: {"model": ErrorEnvelope}, 503: {"model": ErrorEnvelope}},
)
async def get_line(
    carrier: CarrierName,
    model_id: str,
    request: Request,
    caller: Caller,
    parts: Parts,
    expires_in: Seconds = None,
) -> Ok[LineOut]:
    """What a carrier needs for its calls to come to an agent: URL, token (for `expires_in` seconds, or for good), markup."""
    async with parts.database.workspace(caller.workspace_id) as session:
        agent = await AgentRepository(session, caller.workspace_id).get(model_id)
    if agent is None:
        raise NotFound(f"There is no agent {model_id}.")
    base: str | None = request.app.state.lines_url
    if base is None:
        base = f"ws{(await free_node(parts)).control_url.removeprefix('http')}"
    token = tokens.token(parts.secrets, carrier, agent.id, expires_in)
    expires_at = None if expires_in is None else datetime.now(UTC) + timedelta(seconds=expires_in)
    url = url_of(carrier, base.rstrip("/") + tokens.path_of(carrier, agent.id), token)
    return ok(LineOut(url=url, token=token, expires_at=expires_at, markup=markup(carrier, url, token)))
