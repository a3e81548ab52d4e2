"""`/trunkline/v1/trunks`."""

from typing import Annotated

from fastapi import Depends

from trunkline.errors import NotFound
from trunkline.platform.http.context import Caller, Transaction, keyed_router
from trunkline.platform.http.errors import ErrorEnvelope
from trunkline.platform.http.pagination import WidePage
from trunkline.platform.http.scopes import Scope
from trunkline.platform.http.wire import Ok, ok
from trunkline.resources.trunks import wire
from trunkline.resources.trunks.repository import TrunkRepository
from trunkline.resources.trunks.schemas import TrunkOut, TrunkPage

router = keyed_router("/trunkline/v1/trunks", "Trunks", Scope.PHONE_NUMBERS)


def _trunks(session: Transaction, caller: Caller) -> TrunkRepository:
    return TrunkRepository(session, caller)


Trunks = Annotated[TrunkRepository, Depends(_trunks)]


@router.get("")
async def list_trunks(page: WidePage, trunks: Trunks) -> Ok[TrunkPage]:
    """The SIP trunks of the workspace's numbers and how each stands at its registrar, newest number first."""
    found, total = await trunks.page(page.limit, page.offset)
    return ok(TrunkPage(pagination=page.of(total), trunks=[wire.shown(*trunk) for trunk in found]))


@router.get("/{phone_number_slug}", responses={404: {"model": ErrorEnvelope}})
async def get_trunk(phone_number_slug: str, trunks: Trunks) -> Ok[TrunkOut]:
    """The SIP trunk of one number, by its slug or as it is written."""
    trunk = await trunks.find(phone_number_slug)
    if trunk is None:
        raise NotFound(f"There is no number {phone_number_slug} with a SIP trunk.")
    return ok(wire.shown(*trunk))
