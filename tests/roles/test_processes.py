"""The roles api and worker as processes of their own, against a shared database."""

import asyncio
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from uuid import uuid4

import httpx2
import pytest
from benchmarks.ports import free_port
from sqlalchemy import text

from trunkline.platform.storage.database import Database
from trunkline.platform.storage.embedded import EmbeddedPostgres
from trunkline.platform.work.jobs import defer
from trunkline.resources.calls.service import PLACE_CALL
from trunkline.resources.knowledge.models import KnowledgeBase, KnowledgeSource
from trunkline.resources.knowledge.state import SourceState
from trunkline.resources.knowledge.steps import queue
from trunkline.resources.workspaces.models import Workspace

Start = Callable[..., "subprocess.Popen[str]"]


@pytest.fixture
def start(postgres: EmbeddedPostgres, tmp_path: Path) -> Iterator[Start]:
    """Starts a role with settings beside the usual ones; what still runs at the end is killed."""
    started: list[subprocess.Popen[str]] = []

    def run(role: str, **settings: str) -> "subprocess.Popen[str]":
        environment = (
            os.environ | {"DATABASE_URL": postgres.app_url, "TRUNKLINE_HOME": str(tmp_path)} | settings
        )
        command = [sys.executable, "-m", "trunkline", role]
        process = subprocess.Popen(command, env=environment, stderr=subprocess.PIPE, text=True)
        started.append(process)
        return process

    yield run
    for process in started:
        process.kill()
        process.communicate()


def says(process: "subprocess.Popen[str]", event: str) -> None:
    """Wait for a line of its log."""
    assert process.stderr is not None
    heard = []
    for line in process.stderr:
        heard.append(line)
        if f'"{event}"' in line:
            return
    raise AssertionError("it ended; its log:\n" + "".join(heard))


async def test_the_worker_works_is_nice_and_leaves_with_status_0(database: Database, start: Start) -> None:
    worker = start("worker")
    async with database.system() as session:
        nobody = {"call_id": str(uuid4()), "workspace_id": str(uuid4())}
        job = await defer(session, PLACE_CALL, nobody)
    await eventually(database, "SELECT status = 'succeeded' FROM procrastinate_jobs WHERE id = :id", job)
    assert os.getpriority(os.PRIO_PROCESS, worker.pid) >= 5
    worker.terminate()
    worker.communicate(timeout=60)
    assert worker.returncode == 0


async def test_without_the_embedding_model_the_worker_works_and_the_source_says_what_to_do(
    database: Database, workspace: Workspace, start: Start, tmp_path: Path
) -> None:
    start("worker", TRUNKLINE_MODELS=str(tmp_path / "no-models"))
    async with database.workspace(workspace.id) as session:
        base = KnowledgeBase(workspace_id=workspace.id)
        session.add(base)
        await session.flush()
        source = KnowledgeSource(
            workspace_id=workspace.id,
            knowledge_base_id=base.id,
            type="text",
            content="We open at nine.",
            state=SourceState.QUEUED,
        )
        session.add(source)
        await session.flush()
        await queue(session, source)
    failed = "SELECT error LIKE '%models pull embed-minilm%' FROM knowledge_sources WHERE version = :id"
    await eventually(database, failed, source.version)


async def eventually(database: Database, query: str, id_: int | None) -> None:
    """Wait for a query to answer true."""
    for _ in range(1000):
        async with database.system() as session:
            if await session.scalar(text(query), {"id": id_}):
                return
        await asyncio.sleep(0.1)
    raise AssertionError(query)


def test_the_api_is_up_before_it_is_ready(database: Database, start: Start) -> None:
    port = free_port()
    api = start("api", TRUNKLINE_HTTP_PORT=str(port), TRUNKLINE_LLM_BASE_URL="http://127.0.0.1:9/v1")
    says(api, "api_ready")
    base = f"http://127.0.0.1:{port}"
    assert httpx2.get(f"{base}/healthz", trust_env=False, timeout=60).status_code == 200
    ready = httpx2.get(f"{base}/readyz", trust_env=False, timeout=60)
    assert ready.status_code == 503
    assert "trunkline serve" in ready.text  # there is no workspace yet
    assert httpx2.get(f"{base}/v2/calls", trust_env=False, timeout=60).status_code == 401
    api.send_signal(signal.SIGTERM)
    api.communicate(timeout=60)
    assert api.returncode in (0, -signal.SIGTERM)


def test_the_api_names_a_port_that_is_taken(database: Database, start: Start) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        api = start("api", TRUNKLINE_HTTP_PORT=str(port))
        _, error = api.communicate(timeout=100)
    assert api.returncode == 1
    assert f"port {port} (TCP) is taken by another program and the API needs it" in error
