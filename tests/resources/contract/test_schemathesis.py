"""Our own document against our own server: whatever fits it, or just does not, is answered as it declares.

Each operation gets cases at the bounds of its schemas and random ones, the same in every run. Most are aimed: real ids,
and a good body with a few members replaced, so that they come further than the first check. For a long look:

    TRUNKLINE_FUZZ_EXAMPLES=200 TRUNKLINE_FUZZ_SEED=7 pytest tests/resources/contract/test_schemathesis.py
"""

import json
import os
import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any, cast

import pytest
import requests
import schemathesis
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st
from schemathesis import BaseSchema, Case, CheckFunction, GenerationMode
from schemathesis.checks import CHECKS, load_all_checks
from schemathesis.config import SchemathesisConfig

from tests.resources.contract.operations import PLACES
from tests.resources.contract.ours import Published, document, operations
from tests.resources.contract.running import Running, running
from trunkline.platform.http.idempotency import HEADER
from trunkline.platform.storage.embedded import EmbeddedPostgres

EXAMPLES = int(os.environ.get("TRUNKLINE_FUZZ_EXAMPLES", "6"))
"""Cases at bounds for each operation, and half as many random ones."""
SEED = int(os.environ.get("TRUNKLINE_FUZZ_SEED", "3"))
AIMED = 0.8
SECONDS = 15.0
MODES = list(GenerationMode)

load_all_checks()

_ALWAYS = (
    "not_a_server_error",
    "status_code_conformance",
    "content_type_conformance",
    "response_headers_conformance",
    "response_schema_conformance",
)
_ONCE = (*_ALWAYS, "ignored_auth")
"""Asked at the first success of an operation: it repeats the request without a key and with a wrong one."""


_ORDER = ("POST", "PUT", "PATCH", "GET", "DELETE")
"""So that what was written is read, and what is deleted is no longer needed."""
_CASES = sorted(operations(), key=lambda each: (_ORDER.index(each.method), -each.path.count("/")))


_FOLLOWS = "simulation_session_progress"
"""It ends with the session, which nobody plays here."""


@dataclass(frozen=True)
class Target:
    """What is shot at."""

    schema: BaseSchema
    api: Running
    session: requests.Session

    @property
    def headers(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.api.key}"}


@pytest.fixture(scope="module")
def target(postgres: EmbeddedPostgres) -> Iterator[Target]:
    config = SchemathesisConfig()
    config.projects.get_default().generation.update(with_security_parameters=False)
    with running(postgres) as api, requests.Session() as session:
        # As it is served, without a request: to build it takes a busy machine longer than the client waits.
        schema = schemathesis.openapi.from_dict(json.loads(json.dumps(document())), config=config)
        yield Target(schema, api, session)


@pytest.mark.timeout(60 + 15 * EXAMPLES)
@pytest.mark.parametrize("operation", _CASES, ids=str)
def test_every_answer_is_declared(target: Target, operation: Published) -> None:
    print(f"TRUNKLINE_FUZZ_SEED={SEED} TRUNKLINE_FUZZ_EXAMPLES={EXAMPLES}")  # noqa: T201 - for whoever sees it fail
    dice = random.Random(f"{SEED} {operation}")
    probed = False
    for case in _cases(target.schema, operation, dice):
        if dice.random() < AIMED:
            _aim(case, target.api, operation, dice)
        _one_request(case, dice)
        answer = case.call(
            base_url=target.api.base, session=target.session, headers=target.headers, timeout=SECONDS
        )
        first = answer.status_code < 300 and not probed
        probed = probed or first
        case.validate_response(
            answer,
            checks=_checks(_ONCE if first else _ALWAYS),
            headers=target.headers,
            transport_kwargs={
                "session": target.session,
                "base_url": target.api.base,
                "headers": target.headers,
            },
        )


def _checks(names: Sequence[str]) -> list[CheckFunction]:
    return cast(list[CheckFunction], CHECKS.get_by_names(names))


def _cases(schema: BaseSchema, operation: Published, dice: random.Random) -> Iterator[Case[Any]]:
    of = schema[operation.path][operation.method]
    generation = schema.config.generation_for(operation=of, phase="coverage")
    bounds = [
        case
        for case in islice(
            schema.iter_coverage_cases(of, generation_modes=MODES, generation_config=generation),
            25 * EXAMPLES,
        )
        if case.method == operation.method  # others are answered 405, which no operation declares
    ]
    yield from dice.sample(bounds, min(EXAMPLES, len(bounds)))
    drawn: list[Case[Any]] = []

    @seed(SEED)
    @settings(
        max_examples=EXAMPLES // 2,
        database=None,
        deadline=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(st.one_of([of.as_strategy(generation_mode=mode) for mode in MODES]))
    def draw(case: Case[Any]) -> None:
        drawn.append(case)

    draw()
    yield from drawn


def _aim(case: Case[Any], api: Running, operation: Published, dice: random.Random) -> None:
    for name in case.path_parameters:
        case.path_parameters[name] = api.wait(operation.place(api.world, name))
    if operation.route.name == _FOLLOWS:
        session = api.wait(api.world.id("session"))
        # Whatever it answers: where the tests before this one deleted the session, there is nothing to follow either.
        api.wait(api.world.api.client.post(f"/trunkline/v1/simulation_sessions/{session}/cancel"))
    query = api.wait(api.world.fill(operation.known.query)) if operation.known else {}
    for name in {*case.query} & {*PLACES}:
        query[name] = api.wait(api.world.id(PLACES[name]))
    case.query = {**case.query, **query}
    if isinstance(case.body, dict):
        replaced = dice.sample(sorted(case.body), min(len(case.body), dice.randint(0, 2)))
        good = api.wait(operation.good_body(api.world))
        case.body = {**good, **{name: case.body[name] for name in replaced}}


def _one_request(case: Case[Any], dice: random.Random) -> None:
    """One key of idempotency for all would make all but the first a repeat with another body."""
    if case.headers.get(HEADER):
        case.headers[HEADER] = f"{dice.random()}"
