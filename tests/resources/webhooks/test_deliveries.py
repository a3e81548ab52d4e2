"""Deliveries and the signing secret, asked by API."""

import json
from uuid import UUID, uuid4

from sqlalchemy import text

from tests.resources.api import Api
from trunkline.resources.webhooks import deliveries
from trunkline.resources.webhooks.deliveries import Wanted
from trunkline.resources.webhooks.signing import PREFIX

URL = "https://hooks.example.com/a?token=hush"


async def add(api: Api, state: str = "pending", call: UUID | None = None) -> str:
    body = b'{"status": "completed"}'
    wanted = Wanted(api.workspace.id, "external_webhook", call or uuid4(), uuid4(), URL, body)
    async with api.database.workspace(api.workspace.id) as session:
        assert await deliveries.add(session, [wanted]) == 1
        ended = None if state == "pending" else "now()"
        query = (
            f"UPDATE deliveries SET state = :state, attempts = 7, ended_at = {ended or 'NULL'} WHERE id = :id"
        )
        await session.execute(text(query), {"state": state, "id": wanted.id})
    return str(wanted.id)


async def test_deliveries_are_listed_by_state_and_call(api: Api) -> None:
    call = uuid4()
    dead, waiting = await add(api, "dead", call), await add(api)
    listed = await api.send("GET", "/trunkline/v1/deliveries")
    assert {each["id"] for each in listed["items"]} == {dead, waiting} and listed["total"] == 2
    only = await api.send("GET", "/trunkline/v1/deliveries", params={"state": "dead"})
    assert [each["id"] for each in only["items"]] == [dead]
    assert only["items"][0]["url"] == "https://hooks.example.com/a?token=********"
    assert only["items"][0]["next_attempt_at"] is None and "payload" not in only["items"][0]
    of_call = await api.send("GET", "/trunkline/v1/deliveries", params={"call_id": str(call)})
    assert [each["id"] for each in of_call["items"]] == [dead]
    assert (await api.send("GET", "/trunkline/v1/deliveries", params={"call_id": "x"}))["items"] == []
    await api.refused("GET", "/trunkline/v1/deliveries", params={"state": "lost"})


async def test_a_delivery_is_shown_with_what_it_carries(api: Api, stranger: Api) -> None:
    made = await add(api)
    shown = await api.send("GET", f"/trunkline/v1/deliveries/{made}")
    assert shown["payload"] == {"status": "completed"}
    assert (shown["state"], shown["attempts"]) == ("pending", 7)
    assert shown["next_attempt_at"] is not None
    for path in (f"/trunkline/v1/deliveries/{made}", f"/trunkline/v1/deliveries/{uuid4()}"):
        assert "There is no delivery" in await stranger.refused("GET", path, 404)


async def test_a_dead_letter_is_sent_again_on_demand(api: Api, stranger: Api) -> None:
    made = await add(api, "dead")
    path = f"/trunkline/v1/deliveries/{made}/redeliver"
    await stranger.refused("POST", path, 404)
    shown = await api.send("POST", path)
    assert (shown["id"], shown["state"], shown["ended_at"], shown["attempts"]) == (made, "pending", None, 7)
    async with api.database.system() as session:
        columns = "due_at <= now(), give_up_at > now() + interval '23 hours', attempts_before"
        row = (await session.execute(text(f"SELECT {columns} FROM deliveries"))).one()
    assert tuple(row) == (True, True, 7)


async def test_the_secret_is_made_once_and_rotated_on_demand(api: Api, stranger: Api) -> None:
    path = "/trunkline/v1/webhook-secret"
    first = await api.send("GET", path)
    assert first["secret"].startswith(PREFIX) and first["former_signs_until"] is None
    assert await api.send("GET", path) == first
    second = await api.send("POST", f"{path}/rotate")
    assert second["secret"] != first["secret"] and second["former_signs_until"] is not None
    assert await api.send("GET", path) == second
    assert (await stranger.send("GET", path))["secret"] not in (first["secret"], second["secret"])
    async with api.database.system() as session:
        sealed = (await session.scalars(text("SELECT sealed FROM signing_secrets"))).all()
    assert not any(json.dumps(second["secret"]).encode() in each for each in sealed)
