"""What holds for every request, tried on a small application without a database."""

import re
from collections.abc import AsyncIterator
from typing import Annotated, cast

import httpx2
import pytest
from fastapi import APIRouter, Body
from prometheus_client import CollectorRegistry
from structlog.testing import capture_logs

from tests.platform.http.few_keys import KEY, FewKeys
from trunkline.errors import (
    BadInput,
    Conflict,
    Forbidden,
    NoFreeSlot,
    NotFound,
    OverLimit,
    ProviderError,
    TrunklineError,
    Unavailable,
)
from trunkline.platform.http.app import create_app
from trunkline.platform.http.auth import Authenticator
from trunkline.platform.http.bodies import LARGEST
from trunkline.platform.http.context import Caller, Platform, keyed_router
from trunkline.platform.http.pagination import NarrowPage, Page, WidePage
from trunkline.platform.http.wire import WireInput
from trunkline.platform.outbound.client import Outbound
from trunkline.platform.storage.blobs import memory_blobs
from trunkline.platform.storage.database import Database
from trunkline.platform.storage.secrets import SecretBox

router = APIRouter(prefix="/v2")
keyed = keyed_router("/v2", "Keyed", None)


class Thing(WireInput):
    name: str
    size: Annotated[int, Body(ge=1)] = 1
    nested: dict[str, object] | None = None


FAULTS: dict[str, TrunklineError | Exception] = {
    "input": BadInput("name: wrong"),
    "unknown": NotFound("There is no thing."),
    "conflict": Conflict("It is there already."),
    "over": OverLimit("Too many.", retry_after=7),
    "full": NoFreeSlot("Full.", retry_after=3),
    "away": Unavailable("Away."),
    "model": ProviderError("The model failed."),
    "forbidden": Forbidden("Not yours."),
    "bug": RuntimeError("secret detail"),
}


@router.get("/things")
async def list_things(page: NarrowPage, flag: bool | None = None) -> dict[str, object]:
    return {"limit": page.limit, "offset": page.offset, "flag": flag}


@router.get("/wide")
async def wide(page: WidePage) -> Page:
    return page


@router.post("/things")
async def make(thing: Thing) -> dict[str, object]:
    return thing.model_dump()


@router.post("/things/{number}/run")
async def run(number: int, thing: Thing | None = None) -> dict[str, object]:
    return {"number": number, "thing": thing and thing.name}


@keyed.get("/me")
async def me(caller: Caller) -> str:
    return caller.key_id


@keyed.post("/mine")
async def mine(thing: Thing, caller: Caller) -> None: ...


@router.get("/fault/{kind}")
async def fault(kind: str) -> None:
    raise FAULTS[kind]


@router.post("/declared", responses={422: {}})
async def declared(thing: Thing) -> None: ...


problems: dict[str, str] = {}


@pytest.fixture
async def client(keys: FewKeys) -> AsyncIterator[httpx2.AsyncClient]:
    problems.clear()

    async def ready() -> dict[str, str]:
        return problems

    unused = httpx2.MockTransport(lambda request: httpx2.Response(500))  # saves making a TLS context
    async with httpx2.AsyncClient(transport=unused) as nodes:
        platform = Platform(
            database=cast("Database", None),
            secrets=SecretBox("only-for-tests-0123456789"),
            blobs=memory_blobs(),
            authenticator=Authenticator(keys),
            base_url="http://api.test",
            nodes=nodes,
            outbound=Outbound(),
        )
        app = create_app(platform, routers=[router, keyed], ready=ready, registry=CollectorRegistry())
        async with httpx2.AsyncClient(
            transport=httpx2.ASGITransport(app=app), base_url="http://api.test"
        ) as made:
            yield made


def described(answer: httpx2.Response, status: int, category: str = "important") -> str:
    assert answer.status_code == status, answer.text
    detail = answer.json()["detail"]
    assert set(detail) == {"status", "description", "timestamp", "request_id", "category"}
    assert detail["status"] == "error"
    assert detail["category"] == category
    assert re.fullmatch(r"[0-9a-f]{32}", detail["request_id"])
    assert answer.headers["x-request-id"] == detail["request_id"]
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}\+00:00", detail["timestamp"])
    return str(detail["description"])


@pytest.mark.parametrize("path", ["/v2/things", "/v2/things/", "/v2/things//"])
async def test_a_trailing_slash_is_served_and_never_redirected(client: httpx2.AsyncClient, path: str) -> None:
    answer = await client.get(path)
    assert answer.status_code == 200
    assert (await client.post(path, json={"name": "x"})).status_code == 200


async def test_unknown_route(client: httpx2.AsyncClient) -> None:
    answer = await client.get("/v2/nothing")
    assert (answer.status_code, answer.json()) == (404, {"detail": "Not Found"})


async def test_wrong_method_names_every_right_one(client: httpx2.AsyncClient) -> None:
    answer = await client.put("/v2/things")
    assert "GET, POST" in described(answer, 405)
    assert answer.headers["allow"] == "GET, POST"


@pytest.mark.parametrize(
    ("kind", "status", "category", "wait"),
    [
        ("input", 400, "important", None),
        ("unknown", 404, "important", None),
        ("conflict", 400, "important", None),
        ("over", 429, "important", "7"),
        ("full", 429, "important", "3"),
        ("away", 503, "critical", "5"),
        ("model", 503, "critical", "5"),
        ("forbidden", 403, "important", None),
        ("bug", 500, "critical", None),
    ],
)
async def test_every_error_has_the_envelope(
    client: httpx2.AsyncClient, kind: str, status: int, category: str, wait: str | None
) -> None:
    with capture_logs() as logs:
        answer = await client.get(f"/v2/fault/{kind}")
    assert [entry["event"] for entry in logs if entry["log_level"] == "error"] == ["request_failed"] * (
        kind == "bug"
    )
    text = described(answer, status, category)
    assert answer.headers.get("retry-after") == wait
    assert text == str(FAULTS[kind]) if kind != "bug" else "secret detail" not in text


@pytest.mark.parametrize(
    ("sent", "hint"),
    [
        (b'{"name": ', "not valid JSON"),
        (b'{"name":"\xff"}', "UTF-8"),
        (b"[]", "JSON object"),
        (b'"x"', "JSON object"),
        (b"", "body is required"),
        (b"{}", "name is required"),
        (b'{"name":"x","size":0}', "size"),
        (b'{"name":"x","size":"many"}', "size"),
        (b'{"name":"a\\u0000b"}', "name"),
        (b'{"name":"\\ud800"}', "name"),
        (b'{"name":"x","nested":{"deep":["\\u0000"]}}', "nested.deep[0]"),
        (b'{"name":"x","nested":{"deep":NaN}}', "nested.deep"),
    ],
)
async def test_malformed_bodies_are_400_and_say_where(
    client: httpx2.AsyncClient, sent: bytes, hint: str
) -> None:
    answer = await client.post("/v2/things", content=sent, headers={"Content-Type": "application/json"})
    assert hint in described(answer, 400)


async def test_422_only_where_it_is_declared(client: httpx2.AsyncClient) -> None:
    described(await client.post("/v2/declared", json={}), 422)


async def test_a_body_without_content_type_is_read(client: httpx2.AsyncClient) -> None:
    answer = await client.post("/v2/things", content=b'{"name":"x"}')
    assert answer.status_code == 200


async def test_unknown_members_are_ignored_and_null_is_absent(client: httpx2.AsyncClient) -> None:
    answer = await client.post("/v2/things?page=2", json={"name": "x", "size": None, "metadata": {}})
    assert answer.json() == {"name": "x", "size": 1, "nested": None}


async def test_an_empty_body_with_json_content_type_is_absent(client: httpx2.AsyncClient) -> None:
    answer = await client.post("/v2/things/3/run", headers={"Content-Type": "application/json"})
    assert answer.json() == {"number": 3, "thing": None}


async def test_an_empty_query_value_is_absent(client: httpx2.AsyncClient) -> None:
    answer = await client.get("/v2/things?flag=&limit=&offset=3&bare")
    assert answer.json() == {"limit": 20, "offset": 3, "flag": None}


@pytest.mark.parametrize("limit", ["0", "101", "-1"])
async def test_limit_out_of_range(client: httpx2.AsyncClient, limit: str) -> None:
    text = described(await client.get(f"/v2/things?limit={limit}"), 400)
    assert text == "Limit must be between 1 and 100."


async def test_pages_at_their_bounds(client: httpx2.AsyncClient) -> None:
    assert (await client.get("/v2/things?limit=100")).status_code == 200
    assert (await client.get("/v2/wide?limit=1000")).json() == {"limit": 1000, "offset": 0}
    assert described(await client.get("/v2/wide?limit=1001"), 400) == "Limit must be between 1 and 1000."
    assert "Offset" in described(await client.get("/v2/wide?offset=-1"), 400)
    assert "Offset" in described(await client.get(f"/v2/wide?offset={10**30}"), 400)
    assert "limit" in described(await client.get("/v2/wide?limit=x"), 400)


async def test_a_nul_in_the_address_is_refused(client: httpx2.AsyncClient) -> None:
    assert "NUL" in described(await client.get("/v2/things?flag=%00"), 400)
    assert "NUL" in described(await client.get("/v2/fault/%00"), 400)


async def test_a_body_that_is_too_large(client: httpx2.AsyncClient) -> None:
    async def endless() -> AsyncIterator[bytes]:
        while True:
            yield b" " * 2**20

    assert "16 MiB" in described(await client.post("/v2/things", content=endless()), 413)
    announced = {"Content-Length": str(LARGEST + 1)}
    assert "16 MiB" in described(await client.post("/v2/things", content=b"{}", headers=announced), 413)


# ---- keys ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("header", [None, "", "Basic abc", "Bearer", "Bearer "])
async def test_no_key(client: httpx2.AsyncClient, header: str | None) -> None:
    headers = {} if header is None else {"Authorization": header}
    text = described(await client.get("/v2/me", headers=headers), 401)
    assert text == "Missing or invalid Authorization header"


@pytest.mark.parametrize("key", ["sk_live_abcdefgh_nothing", "x" * 5000])
async def test_a_wrong_key(client: httpx2.AsyncClient, key: str) -> None:
    answer = await client.get("/v2/me", headers={"Authorization": f"Bearer {key}"})
    assert described(answer, 401, "critical") == "Unauthorized: Invalid or expired token."


async def test_the_key_is_looked_at_before_the_body(client: httpx2.AsyncClient) -> None:
    for body in (b"{", b"{}"):
        described(await client.post("/v2/mine", content=body), 401)
    good = {b"Authorization": f"Bearer {KEY}".encode()}
    described(await client.post("/v2/mine", content=b"{", headers=good), 400)
    answer = await client.post("/v2/mine", json={"name": "x"}, headers=good)
    assert answer.status_code == 200
    schema = (await client.get("/openapi.json")).json()
    assert schema["paths"]["/v2/mine"]["post"]["security"] == [{"HTTPBearer": []}]


async def test_a_chosen_key_may_hold_any_letters(client: httpx2.AsyncClient) -> None:
    answer = await client.get("/v2/me", headers={b"Authorization": f"Bearer {KEY}".encode()})
    assert (answer.status_code, answer.json()) == (200, "abcd2345")


# ---- our own pages -------------------------------------------------------------------------------------


async def test_health_and_readiness(client: httpx2.AsyncClient) -> None:
    assert (await client.get("/healthz")).status_code == 200
    assert (await client.get("/readyz")).status_code == 200
    problems["voice"] = "no voice process is registered"
    answer = await client.get("/readyz")
    assert answer.status_code == 503
    assert answer.json()["problems"] == problems
    assert "no voice process" in answer.json()["detail"]["description"]


async def test_metrics_count_by_route(client: httpx2.AsyncClient) -> None:
    await client.post("/v2/things/17/run")
    text = (await client.get("/metrics")).text
    assert (
        'trunkline_http_requests_total{method="POST",route="/v2/things/{number}/run",status="200"} 1.0'
        in text
    )


async def test_docs_need_no_network(client: httpx2.AsyncClient) -> None:
    answer = await client.get("/docs")
    assert answer.status_code == 200
    assert not re.search(r"(?:src|href)=\"(?:https?:)?//", answer.text)
    assert "https://" not in answer.text


async def test_the_schema_shows_no_422_of_the_framework(client: httpx2.AsyncClient) -> None:
    schema = (await client.get("/openapi.json")).json()
    assert "422" not in schema["paths"]["/v2/things"]["post"]["responses"]
    assert "422" in schema["paths"]["/v2/declared"]["post"]["responses"]
    assert "HTTPValidationError" not in str(schema)
    assert "ErrorEnvelope" in schema["components"]["schemas"]
