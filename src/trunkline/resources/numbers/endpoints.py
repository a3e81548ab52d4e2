"""`/v2/numbers` and `/v2/custom-numbers`."""

from typing import Annotated

from fastapi import Depends
from sqlalchemy.ext.asyncio import AsyncSession

from trunkline.platform.http.auth import Identity
from trunkline.platform.http.context import Caller, Parts, keyed_router
from trunkline.platform.http.errors import ErrorEnvelope
from trunkline.platform.http.pagination import WidePage
from trunkline.platform.http.scopes import Scope
from trunkline.platform.http.wire import Ok, StatusOnly, done, ok
from trunkline.resources.numbers import wire
from trunkline.resources.numbers.schemas import (
    CustomNumberCreate,
    NumberAdded,
    NumberOut,
    NumberPage,
    NumberUpdate,
)
from trunkline.resources.numbers.service import Numbers
from trunkline.resources.workspaces import acting
from trunkline.resources.workspaces.acting import Acting, ActingTransaction, transaction_of

router = keyed_router("/v2", "Phone numbers", Scope.PHONE_NUMBERS)


def _numbers(session: ActingTransaction, identity: Acting, parts: Parts) -> Numbers:
    return Numbers(session, identity, parts.secrets)


Service = Annotated[Numbers, Depends(_numbers)]


async def _owner(body: CustomNumberCreate, caller: Caller, parts: Parts) -> Identity:
    return await acting.required(parts.database, caller, body.workspace_id, write=True)


def _numbers_of_owner(
    session: Annotated[AsyncSession, transaction_of(_owner)],
    owner: Annotated[Identity, Depends(_owner)],
    parts: Parts,
) -> Numbers:
    return Numbers(session, owner, parts.secrets)


@router.post("/custom-numbers", responses={403: {"model": ErrorEnvelope}})
async def create_custom_number(
    body: CustomNumberCreate, numbers: Annotated[Numbers, Depends(_numbers_of_owner)]
) -> Ok[NumberAdded]:
    """Add a number with the SIP trunk that carries it."""
    number = await numbers.create(body)
    return ok(NumberAdded(key=str(number.id), phone_number=number.number))


# Programs leave `workspace` out, so it is not asked for; the key decides, unless a subaccount is named.
@router.get("/numbers")
@router.get("/phone_numbers", include_in_schema=False)
async def list_numbers(page: WidePage, numbers: Service, is_available: bool | None = None) -> Ok[NumberPage]:
    """The workspace's numbers, newest first; `is_available`: those that no inbound agent answers, or the others."""
    found, total = await numbers.page(page.limit, page.offset, is_available)
    items = [wire.shown_in_list(number) for number in found]
    return ok(NumberPage(pagination=page.of(total), phone_numbers=items))


@router.get("/numbers/{phone_number_slug}")
async def get_number(phone_number_slug: str, numbers: Service, identity: Acting) -> NumberOut:
    """One number with its trunk and its agents. By its slug: the number without the plus."""
    number = await numbers.get(phone_number_slug)
    return wire.shown(number, await numbers.agents_of(number), identity.parent_id)


@router.patch("/numbers/{phone_number_slug}")
async def update_number(
    phone_number_slug: str, numbers: Service, body: NumberUpdate | None = None
) -> StatusOnly:
    """Change what is sent, keep the rest."""
    await numbers.update(phone_number_slug, body or NumberUpdate())
    return done()


@router.delete("/numbers/{phone_number_slug}")
async def delete_number(phone_number_slug: str, numbers: Service) -> StatusOnly:
    """Remove a number and take it from its agents."""
    await numbers.delete(phone_number_slug)
    return done()
