"""Moves of numbers between a parent and its subaccount: all or none."""

import asyncio
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import select

from tests.resources.api import BOX, Api
from tests.resources.subaccounts.made import Made, bearer, key, subaccount
from trunkline.resources.numbers.models import Number
from trunkline.resources.numbers.service import PASSWORD_FIELD

FIRST, SECOND = "+14155550100", "+14155550101"


def moving(operation: str, *numbers: str) -> dict[str, Any]:
    """The body of a move."""
    return {
        "operation_type": operation,
        "products": {"phone_numbers": [{"number": number} for number in numbers]},
    }


async def held(api: Api, made: Made | None = None) -> set[str]:
    """The numbers of the parent, or of a subaccount."""
    params = {"workspace": made.id} if made else {}
    listed = await api.send("GET", "/v2/numbers", params=params)
    return {number["number"] for number in listed["response"]["phone_numbers"]}


async def test_there_and_back(api: Api) -> None:
    made = await subaccount(api)
    await api.number(FIRST, trunk_username="me", trunk_pwd="hush")
    await api.number(SECOND)
    answer = await api.send("PUT", made.path, json=moving("import", SECOND, FIRST, FIRST))
    assert answer["status"] == "ok"
    assert (await held(api), await held(api, made)) == (set(), {FIRST, SECOND})
    async with api.database.workspace(UUID(made.id)) as session:
        sealed = await session.scalar(select(Number.trunk_password_encrypted).where(Number.number == FIRST))
    assert sealed is not None and BOX.open(UUID(made.id), PASSWORD_FIELD, sealed) == "hush"
    shown = await api.send("GET", "/v2/numbers/14155550100", headers=made.headers)
    assert (shown["workspace_id"], shown["agency_workspace_id"]) == (made.id, str(api.workspace.id))
    assert shown["updated_at"] is not None
    await api.send("PUT", made.path, json=moving("return", FIRST))
    assert (await held(api), await held(api, made)) == ({FIRST}, {SECOND})


async def test_only_whole(api: Api) -> None:
    made = await subaccount(api)
    await api.number(FIRST)
    for body in (
        {"operation_type": "import"},
        {"products": {"phone_numbers": [{"number": FIRST}]}},
        {"operation_type": "import", "products": {}},
        {"operation_type": "import", "products": {"phone_numbers": []}},
        {"operation_type": "lend", "products": {"phone_numbers": [{"number": FIRST}]}},
    ):
        await api.refused("PUT", made.path, json=body)
    assert await held(api) == {FIRST}


@pytest.mark.parametrize("bad", ["14155550101", "+1 415 555 0101", "reception", ""])
async def test_each_in_e164(api: Api, bad: str) -> None:
    made = await subaccount(api)
    await api.number(FIRST)
    text = await api.refused("PUT", made.path, json=moving("import", FIRST, bad))
    assert f"'{bad}' is no number in E.164" in text
    assert await held(api) == {FIRST}


async def test_each_of_the_giving_side(api: Api, stranger: Api) -> None:
    made, other = await subaccount(api), await subaccount(api)
    await api.number(FIRST)
    await stranger.number(SECOND)
    texts = {
        (await api.refused("PUT", made.path, json=moving("import", FIRST, number))).replace(number, "")
        for number in (SECOND, "+14155550199")
    }
    assert len(texts) == 1 and "not a number of the workspace that gives it" in texts.pop()
    assert FIRST in await api.refused("PUT", made.path, json=moving("return", FIRST))
    await api.send("PUT", made.path, json=moving("import", FIRST))
    assert FIRST in await api.refused("PUT", other.path, json=moving("return", FIRST))
    assert FIRST in await api.refused("PUT", other.path, json=moving("import", FIRST))
    assert (await held(api, made), await held(stranger)) == ({FIRST}, {SECOND})


@pytest.mark.parametrize("kind", ["inbound", "outbound"])
async def test_none_that_serves_an_agent(api: Api, kind: str) -> None:
    made = await subaccount(api)
    await api.number(FIRST)
    await api.number(SECOND)
    agent = await api.agent(type=kind, phone_number=SECOND)
    body = {**moving("import", FIRST, SECOND), "subaccount_name": "Renamed"}
    text = await api.refused("PUT", made.path, json=body)
    assert SECOND in text and agent in text
    assert await held(api) == {FIRST, SECOND}
    listed = await api.send("GET", made.path)
    assert listed["response"]["subaccounts"][0]["name"] == "Branch"
    await api.send("DELETE", f"/v2/assistants/{agent}/phone_numbers/14155550101")
    await api.send("PUT", made.path, json=moving("import", FIRST, SECOND))


async def test_an_identifier_that_reads_like_the_number(api: Api) -> None:
    made = await subaccount(api)
    await api.number(FIRST)
    identifier = {"workspace_id": made.id, "phone_number": FIRST[1:], "provider_name": "ringcx"}
    await api.send("POST", "/v2/custom-numbers", json=identifier)
    assert FIRST in await api.refused("PUT", made.path, json=moving("import", FIRST))
    assert await held(api) == {FIRST}


async def test_moving_wants_the_scope_of_numbers(api: Api) -> None:
    made = await subaccount(api)
    await api.number(FIRST)
    limited = bearer(await key(api, scopes=["subaccounts"]))
    await api.refused("PUT", made.path, 403, json=moving("import", FIRST), headers=limited)
    both = bearer(await key(api, scopes=["subaccounts", "phone_numbers"]))
    await api.send("PUT", made.path, json=moving("import", FIRST), headers=both)


async def test_two_at_once_and_one_wins(api: Api) -> None:
    first, second = await subaccount(api), await subaccount(api)
    for number in (FIRST, SECOND):
        await api.number(number)
    answers = await asyncio.gather(
        api.client.put(first.path, json=moving("import", FIRST, SECOND)),
        api.client.put(second.path, json=moving("import", SECOND, FIRST)),
    )
    assert sorted(answer.status_code for answer in answers) == [200, 400]
    assert sorted(map(len, (await held(api, first), await held(api, second)))) == [0, 2]
