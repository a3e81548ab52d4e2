"""`/v2/numbers` and `/v2/custom-numbers`."""

from typing import Annotated

from fastapi import Depends

from trunkline.platform.http.context import Caller, Parts, Transaction, keyed_router
from trunkline.platform.http.pagination import WidePage
from trunkline.platform.http.scopes import Scope
from trunkline.platform.http.wire import Ok, StatusOnly, done, ok
from trunkline.resources.agents.repository import AgentRepository
from trunkline.resources.numbers import wire
from trunkline.resources.numbers.repository import NumberRepository
from trunkline.resources.numbers.schemas import (
    CustomNumberCreate,
    NumberAdded,
    NumberOut,
    NumberPage,
    NumberUpdate,
)
from trunkline.resources.numbers.service import Numbers

router = keyed_router("/v2", "Phone numbers", Scope.PHONE_NUMBERS)


def _numbers(session: Transaction, caller: Caller, parts: Parts) -> Numbers:
    return Numbers(
        NumberRepository(session, caller.workspace_id),
        AgentRepository(session, caller.workspace_id),
        parts.secrets,
        caller.workspace_id,
    )


Service = Annotated[Numbers, Depends(_numbers)]


@router.post("/custom-numbers")
async def create_custom_number(body: CustomNumberCreate, numbers: Service) -> Ok[NumberAdded]:
    number = await numbers.create(body)
    return ok(NumberAdded(key=str(number.id), phone_number=number.number))


# Programs leave `workspace` out, so it is not asked for; the key decides.
@router.get("/numbers")
@router.get("/phone_numbers", include_in_schema=False)
async def list_numbers(page: WidePage, numbers: Service, is_available: bool | None = None) -> Ok[NumberPage]:
    found, total = await numbers.page(page.limit, page.offset, is_available)
    items = [wire.shown_in_list(number) for number in found]
    return ok(NumberPage(pagination=page.of(total), phone_numbers=items))


@router.get("/numbers/{phone_number_slug}")
async def get_number(phone_number_slug: str, numbers: Service) -> NumberOut:
    number = await numbers.get(phone_number_slug)
    return wire.shown(number, await numbers.agents_of(number))


@router.patch("/numbers/{phone_number_slug}")
async def update_number(
    phone_number_slug: str, numbers: Service, body: NumberUpdate | None = None
) -> StatusOnly:
    await numbers.update(phone_number_slug, body or NumberUpdate())
    return done()


@router.delete("/numbers/{phone_number_slug}")
async def delete_number(phone_number_slug: str, numbers: Service) -> StatusOnly:
    await numbers.delete(phone_number_slug)
    return done()
