"""Every operation of the application against keys and subaccounts that may not use it."""

import inspect
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from uuid import UUID, uuid4

import pytest
from fastapi.routing import APIRoute, iter_route_contexts

from tests.resources.api import Api
from tests.resources.subaccounts.made import bearer, key, subaccount
from trunkline.errors import NotFound
from trunkline.platform.http.context import KeyedRoute
from trunkline.platform.http.scopes import KNOWN, PERMISSIONS, READ, READING, Scope
from trunkline.resources.calls.live import LiveCalls
from trunkline.resources.routers import ROUTERS

OPEN_TO_EVERY_KEY = {("GET", "/trunkline/v1/workspace"), ("GET", "/v2/voices")}
WITHOUT_A_KEY = {
    ("GET", "/trunkline/v1/recordings/{call_id}"),
    ("GET", "/trunkline/v1/simulation_recordings/{simulation_id}"),
    ("POST", "/trunkline/v1/messages/twilio/{workspace_id}"),
}
"""Reached by a signed link; signed by Twilio."""


@dataclass(frozen=True)
class Operation:
    """One method of one path, and the scopes that it wants."""

    method: str
    path: str
    scopes: frozenset[Scope]
    extra: frozenset[Scope]
    """Those that it wants for writing, whatever its method."""

    @property
    def sent_to(self) -> str:
        """Its path with ids that nothing has."""
        return re.sub(r"\{[^}]*\}", str(uuid4()), self.path)

    @property
    def writes(self) -> bool:
        return self.method not in READING


def _operations() -> Iterator[tuple[Operation, APIRoute]]:
    contexts = (context for router in ROUTERS for context in iter_route_contexts(router.routes))
    for context in contexts:
        route = context.original_route
        assert isinstance(route, APIRoute)
        extra = frozenset(
            inspect.getclosurevars(each.dependency).nonlocals["scope"]
            for each in route.dependencies
            if each.dependency is not None and each.dependency.__qualname__.startswith("needs.")
        )
        own = frozenset({route.scope} if isinstance(route, KeyedRoute) and route.scope else ())
        for method in route.methods or ():
            yield Operation(method, context.path_format or "", own | extra, extra), route


ALL = list(_operations())
SCOPED = [operation for operation, _ in ALL if operation.scopes]


async def _allowed(api: Api, operation: Operation, headers: Mapping[str, str], wanting: str) -> bool:
    """Whether an operation is not refused by reason of this scope."""
    answer = await api.client.request(operation.method, operation.sent_to, headers=headers)
    return not (answer.status_code == 403 and wanting in answer.text)


def test_every_operation_wants_a_scope() -> None:
    keyed = {(operation.method, operation.path) for operation, route in ALL if isinstance(route, KeyedRoute)}
    scoped = {(operation.method, operation.path) for operation in SCOPED}
    assert keyed - scoped == OPEN_TO_EVERY_KEY
    assert {(operation.method, operation.path) for operation, _ in ALL} - keyed == WITHOUT_A_KEY
    assert len(scoped) > 100


async def test_a_subaccount_without_the_permission(api: Api) -> None:
    keys = {
        Scope(permission): (await subaccount(api, revoke_permissions=[permission])).headers
        for permission in PERMISSIONS
    }
    let_through = [
        (operation.method, operation.path, permission)
        for operation in SCOPED
        for permission in operation.scopes & set(PERMISSIONS)
        if await _allowed(api, operation, keys[permission], f"lacks the permission {permission};")
    ]
    assert let_through == []


async def test_a_key_of_every_other_scope(api: Api) -> None:
    keys = {
        scope: bearer(await key(api, scopes=[each for each in KNOWN if each.removesuffix(READ) != scope]))
        for scope in Scope
    }
    let_through = [
        (operation.method, operation.path, scope)
        for operation in SCOPED
        for scope in operation.scopes
        if await _allowed(api, operation, keys[scope], f"lacks the scope {scope}")
    ]
    assert let_through == []


async def test_a_key_for_reading(api: Api) -> None:
    """Reads, and does not write."""
    keys = {
        scope: bearer(await key(api, scopes=[*(each for each in Scope if each != scope), f"{scope}{READ}"]))
        for scope in Scope
    }
    wrong = []
    for operation in SCOPED:
        for scope in operation.scopes:
            allowed = await _allowed(api, operation, keys[scope], f"lacks the scope {scope}")
            if allowed == (operation.writes or scope in operation.extra):
                wrong.append((operation.method, operation.path, scope))
    assert wrong == []


async def test_a_change_of_permissions_holds_at_once(api: Api) -> None:
    branch = await subaccount(api)
    await api.send("GET", "/v2/contacts", headers=branch.headers)
    await api.send("PUT", branch.path, json={"revoke_permissions": ["contacts"]})
    await api.refused("GET", "/v2/contacts", 403, headers=branch.headers)
    await api.send("PUT", branch.path, json={"grant_permissions": ["contacts"]})
    await api.send("GET", "/v2/contacts", headers=branch.headers)


async def test_calls_to_a_subaccount_that_may_take_none_are_refused(api: Api) -> None:
    branch = await subaccount(api)
    body = {"type": "inbound", "name": "A", "agent": {}}
    made = await api.send("POST", "/v2/assistants", json=body, headers=branch.headers)
    agent = made["response"]["model_id"]
    await api.number("+14155550100", workspace_id=branch.id, agent_id=agent)
    await api.host()
    live = LiveCalls(api.database, api.platform.secrets)
    ringing = {"dialled": "+14155550100", "caller": "+14155550199", "sip_call_id": "s", "headers": {}}
    await api.send("PUT", branch.path, json={"revoke_permissions": ["inbound"]})
    with pytest.raises(NotFound, match="without the permission inbound"):
        await live.open_inbound(host=UUID(int=1), **ringing)  # type: ignore[arg-type]
