"""A client of the whole API over the real database, without a network."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import cache
from typing import Any

import httpx2
from fastapi import FastAPI
from prometheus_client import CollectorRegistry

from trunkline.platform.http.app import bare_app, create_app
from trunkline.platform.http.auth import Authenticator
from trunkline.platform.http.context import Platform
from trunkline.platform.outbound.client import Outbound
from trunkline.platform.storage import system
from trunkline.platform.storage.blobs import Blobs, memory_blobs
from trunkline.platform.storage.database import Database
from trunkline.platform.storage.secrets import SecretBox
from trunkline.resources.language import Language
from trunkline.resources.routers import ROUTERS
from trunkline.resources.workspaces.models import Workspace
from trunkline.resources.workspaces.service import StoredKeys, create_key
from trunkline.voice.language.twins import ScriptedLanguageModel
from trunkline.voice.speech.voices import voices_of

BASE_URL = "http://api.test"
BOX = SecretBox("only-for-tests-0123456789")


async def all_ready() -> dict[str, str]:
    return {}


@dataclass
class Api:
    """Sends requests with the key of `workspace`."""

    client: httpx2.AsyncClient
    database: Database
    workspace: Workspace
    app: FastAPI
    platform: Platform
    blobs: Blobs
    model: ScriptedLanguageModel
    """Answers chats and forms; a test that wants other words puts a model of its own into `app.state.language`."""

    async def send(self, method: str, path: str, status: int = 200, **arguments: Any) -> Any:
        """The JSON that came back; the status must be this one."""
        answer = await self.client.request(method, path, **arguments)
        assert answer.status_code == status, answer.text
        return answer.json() if answer.content else None

    async def refused(self, method: str, path: str, status: int = 400, **arguments: Any) -> str:
        """The description of an error that must come in the envelope."""
        body = await self.send(method, path, status, **arguments)
        detail = body["detail"]
        assert set(detail) == {"status", "description", "timestamp", "request_id", "category"}, body
        assert detail["status"] == "error"
        return str(detail["description"])

    async def agent(self, **changes: Any) -> str:
        """The id of a new agent."""
        body = {"type": "outbound", "name": "A", "agent": {"prompt": "Help."}, **changes}
        made = await self.send("POST", "/v2/assistants", json=body)
        return str(made["response"]["model_id"])

    async def number(self, number: str = "+14155550100", **changes: Any) -> str:
        """A new number, as written."""
        body = {
            "workspace_id": str(self.workspace.id),
            "phone_number": number,
            "termination_uri": "sip.example.com",
            **changes,
        }
        await self.send("POST", "/v2/custom-numbers", json=body)
        return number

    async def host(self, capacity: int = 2) -> None:
        """A voice process with free slots."""
        async with self.database.system() as session:
            await system.register_node(
                session,
                "host-1",
                role="voice",
                control_url="http://127.0.0.1:1",
                sip_address="127.0.0.1:5060",
                capacity=capacity,
            )


@asynccontextmanager
async def serve(
    database: Database, workspace: Workspace, nodes: httpx2.AsyncBaseTransport | None = None
) -> AsyncIterator[Api]:
    """The API, asked by a key of `workspace`; `nodes` answers for the voice processes."""
    key = await create_key(database, BOX, workspace.id, "test")
    blobs = memory_blobs()
    async with httpx2.AsyncClient(transport=nodes or httpx2.MockTransport(_no_node)) as control:
        platform = Platform(
            database=database,
            secrets=BOX,
            blobs=blobs,
            authenticator=Authenticator(StoredKeys(database, BOX)),
            base_url=BASE_URL,
            nodes=control,
            outbound=Outbound("127.0.0.1"),
            language_models=frozenset({"my-llama"}),
        )
        app = create_app(platform, routers=(), ready=all_ready, registry=CollectorRegistry())
        app.router.routes[:0] = described().routes
        app.openapi = described().openapi  # type: ignore[method-assign]
        model = ScriptedLanguageModel("Hello there.")
        app.state.language = Language(talk=model, think=model)
        app.state.lines_url = None
        app.state.voices = voices_of(endpoint=True)
        async with httpx2.AsyncClient(
            transport=httpx2.ASGITransport(app=app),
            base_url=BASE_URL,
            headers={"Authorization": f"Bearer {key}"},
        ) as client:
            yield Api(client, database, workspace, app, platform, blobs, model)
        await platform.outbound.close()


@cache
def described() -> FastAPI:
    """The routes of the API and their description, made once: what FastAPI derives from them takes seconds."""
    return bare_app(ROUTERS)


def _no_node(request: httpx2.Request) -> httpx2.Response:
    raise httpx2.ConnectError("no voice process in this test", request=request)
