"""`/v2/subaccounts`."""

from typing import Annotated

from fastapi import Depends

from trunkline.platform.http.context import Parts, keyed_router
from trunkline.platform.http.pagination import WholePage
from trunkline.platform.http.scopes import Scope
from trunkline.platform.http.wire import Answer, Ok, ok
from trunkline.resources.subaccounts import schemas, wire
from trunkline.resources.subaccounts.schemas import (
    SubaccountChanged,
    SubaccountCreate,
    SubaccountList,
    SubaccountMade,
    SubaccountUpdate,
)
from trunkline.resources.subaccounts.service import Subaccounts
from trunkline.resources.workspaces.acting import Acting

router = keyed_router("/v2/subaccounts", "Subaccounts", Scope.SUBACCOUNTS)


def _subaccounts(parts: Parts, caller: Acting) -> Subaccounts:
    return Subaccounts(parts, caller)


Service = Annotated[Subaccounts, Depends(_subaccounts)]


@router.post("")
async def create_subaccount(body: SubaccountCreate, subaccounts: Service) -> Ok[SubaccountMade]:
    """A workspace under this one, with a key of its own, which is shown this once."""
    made, key, connected = await subaccounts.create(body)
    shown = SubaccountMade(
        subaccount_id=str(made.id),
        api_key=key,
        user_email=wire.first_email(made),
        sign_in_link="",
        twilio_connected_successfully=connected,
    )
    return ok(shown)


@router.get("")
async def list_subaccounts(page: WholePage, subaccounts: Service) -> SubaccountList:
    """The subaccounts of the key's workspace, newest first."""
    found = await subaccounts.page(page.limit, page.offset)
    items = [wire.shown(each, minutes) for each, minutes in found]
    return SubaccountList(status="success", response=schemas.Subaccounts(subaccounts=items))


@router.get("/{subaccount_id}")
async def get_subaccount(subaccount_id: str, subaccounts: Service) -> SubaccountList:
    """One subaccount."""
    shown = wire.shown(*await subaccounts.get(subaccount_id))
    return SubaccountList(status="success", response=schemas.Subaccounts(subaccounts=[shown]))


@router.put("/{subaccount_id}")
async def update_subaccount(
    subaccount_id: str, subaccounts: Service, body: SubaccountUpdate | None = None
) -> Ok[SubaccountChanged]:
    """Change limits, permissions and members; move numbers to the subaccount and back, all or none."""
    sent = body or SubaccountUpdate()
    return ok(wire.changed(await subaccounts.update(subaccount_id, sent), sent.user_email))


@router.delete("/{subaccount_id}")
async def delete_subaccount(subaccount_id: str, subaccounts: Service) -> Ok[Answer]:
    """Revoke its keys, bring its numbers back; calls under way go on to their end."""
    await subaccounts.delete(subaccount_id)
    return ok(Answer(answer="The subaccount was deleted; its phone numbers are the parent's again."))
