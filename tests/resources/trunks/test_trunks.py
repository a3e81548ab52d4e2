"""How trunks are shown."""

from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import select, text, update

from tests.resources.api import Api
from trunkline.resources.numbers.models import Number
from trunkline.resources.trunks.models import TrunkRegistration

PATH = "/trunkline/v1/trunks"
REGISTERING: dict[str, Any] = {"uac_enabled": True, "trunk_username": "alice", "trunk_pwd": "s3cret"}


async def kept(api: Api, number: str, state: str, code: int | None = None, reason: str = "") -> UUID:
    """A voice process keeps the number's registration, which stands so."""
    await api.host()
    async with api.database.system() as session:
        row = (await session.scalars(select(Number).where(Number.number == number))).one()
        session.add(
            TrunkRegistration(
                workspace_id=row.workspace_id,
                number_id=row.id,
                host_id="host-1",
                state=state,
                code=code,
                reason=reason,
            )
        )
    return row.id


async def test_a_trunk_that_was_refused(api: Api) -> None:
    number = await api.number(**REGISTERING, termination_uri="sip:sip.example.com:5062;transport=tcp")
    await kept(api, number, "failed", 403, "Forbidden")
    shown = (await api.send("GET", f"{PATH}/{number[1:]}"))["response"]
    changed_at = shown.pop("registration_changed_at")
    assert changed_at.endswith(("Z", "+00:00"))
    assert shown == {
        "number": number,
        "slug": number[1:],
        "host": "sip.example.com:5062",
        "outbound_proxy": None,
        "transport": "tcp",
        "username": "alice",
        "uac_enabled": True,
        "uac_register_expires": 300,
        "registration_state": "failed",
        "registration_code": 403,
        "registration_error": "Forbidden",
    }
    assert (await api.send("GET", f"{PATH}/%2B{number[1:]}"))["response"]["number"] == number


async def test_trunks_are_listed_newest_first(api: Api) -> None:
    older = await api.number("+14155550101")
    newer = await api.number("+14155550102", **REGISTERING)
    await kept(api, newer, "registered")
    page = (await api.send("GET", PATH))["response"]
    assert page["pagination"] == {"total_records": 2, "limit": 20, "offset": 0}
    shown = [(each["number"], each["registration_state"]) for each in page["trunks"]]
    assert shown == [(newer, "registered"), (older, "unregistered")]
    page = (await api.send("GET", PATH, params={"limit": 1, "offset": 1}))["response"]
    assert [each["number"] for each in page["trunks"]] == [older]


@pytest.mark.parametrize("gone", ["host", "registration"])
async def test_what_nobody_keeps_is_unregistered(api: Api, gone: str) -> None:
    number = await api.number(**REGISTERING)
    await kept(api, number, "registered")
    if gone == "host":
        async with api.database.system() as session:
            await session.execute(text("DELETE FROM nodes"))
    else:
        await api.send("PATCH", f"/v2/numbers/{number[1:]}", json={"uac_enabled": False})
    shown = (await api.send("GET", f"{PATH}/{number[1:]}"))["response"]
    assert shown["registration_state"] == "unregistered"
    assert shown["uac_register_expires"] == (300 if gone == "host" else None)


async def test_anothers_trunk_is_unknown(api: Api, stranger: Api) -> None:
    number = await api.number(**REGISTERING)
    await kept(api, number, "registered")
    await stranger.refused("GET", f"{PATH}/{number[1:]}", 404)
    await api.refused("GET", f"{PATH}/19995550100", 404)
    assert (await stranger.send("GET", PATH))["response"]["trunks"] == []


async def test_a_number_that_is_deleted_takes_its_registration_with_it(api: Api) -> None:
    number = await api.number(**REGISTERING)
    await kept(api, number, "registered")
    await api.send("DELETE", f"/v2/numbers/{number[1:]}")
    async with api.database.system() as session:
        assert (await session.scalars(select(TrunkRegistration))).all() == []


async def test_a_number_that_moves_takes_its_registration_along(api: Api, stranger: Api) -> None:
    number_id = await kept(api, await api.number(**REGISTERING), "registered")
    async with api.database.system() as session:
        await session.execute(update(Number).values(workspace_id=stranger.workspace.id))
        row = (await session.scalars(select(TrunkRegistration))).one()
    assert (row.workspace_id, row.number_id) == (stranger.workspace.id, number_id)
