"""When is the API ready? And its settings that can be wrong."""

from pathlib import Path

import httpx2
import pytest
from benchmarks.ports import free_port

from trunkline.errors import PortTaken, SetupError
from trunkline.platform.http.auth import Authenticator
from trunkline.platform.http.context import Platform
from trunkline.platform.outbound.client import Outbound
from trunkline.platform.storage import system
from trunkline.platform.storage.blobs import memory_blobs
from trunkline.platform.storage.database import Database
from trunkline.platform.storage.secrets import SecretBox
from trunkline.resources.workspaces.models import Workspace
from trunkline.resources.workspaces.service import StoredKeys
from trunkline.roles import api, ports
from trunkline.settings import Settings


def readiness(database: Database, health: int = 200) -> api.Readiness:
    """Of an installation with the local model server, whose health is this status."""
    secrets = SecretBox("a secret key for tests")
    nodes = httpx2.AsyncClient(transport=httpx2.MockTransport(lambda _: httpx2.Response(health)))
    platform = Platform(
        database=database,
        secrets=secrets,
        blobs=memory_blobs(),
        authenticator=Authenticator(StoredKeys(database, secrets)),
        base_url="http://127.0.0.1:8000",
        nodes=nodes,
        outbound=Outbound(),
    )
    return api.Readiness(Settings(llm_base_url="http://127.0.0.1:9/v1", llm_embedded=True), platform)


async def register(database: Database, node: str) -> None:
    async with database.system() as session:
        await system.register_node(
            session,
            node,
            role="voice",
            control_url="http://127.0.0.1:8010",
            sip_address="127.0.0.1:5060",
            capacity=2,
        )


async def test_ready_with_workspace_host_and_model(database: Database, workspace: Workspace) -> None:
    await register(database, "host-1")
    assert await readiness(database).problems() == {}


async def test_not_without_a_workspace(database: Database) -> None:
    await register(database, "host-1")
    assert set(await readiness(database).problems()) == {"workspace"}


async def test_not_without_a_voice_host(database: Database, workspace: Workspace) -> None:
    assert set(await readiness(database).problems()) == {"voice"}


async def test_not_with_a_host_that_drains(database: Database, workspace: Workspace) -> None:
    await register(database, "host-1")
    async with database.system() as session:
        await system.drain_node(session, "host-1")
    assert set(await readiness(database).problems()) == {"voice"}


async def test_not_while_the_model_is_loaded(database: Database, workspace: Workspace) -> None:
    await register(database, "host-1")
    assert set(await readiness(database, health=503).problems()) == {"llm"}


async def test_not_without_a_database() -> None:
    away = Database.connect(f"postgresql://nobody@127.0.0.1:{free_port()}/none")
    assert set(await readiness(away).problems()) == {"database"}
    await away.close()


def test_names_that_have_routes_may_be_asked_for(tmp_path: Path) -> None:
    path = tmp_path / "routes.json"
    path.write_text("{")
    with pytest.raises(SetupError, match=r"routes\.json"):
        api.model_names(Settings(llm_routes=path))
    path.write_text('{"my-model": {"base_url": "http://127.0.0.1:1/v1"}}')
    assert api.model_names(Settings(llm_routes=path)) == {"my-model"}
    assert api.model_names(Settings()) == frozenset()


def test_a_taken_port_is_named() -> None:
    need = ports.needs(Settings(http_port=8000))[0]
    with pytest.raises(PortTaken, match=r"port 8000 .*the API needs it"):
        raise ports.taken(need)
