"""The role api: HTTP for programs, people and monitoring."""

import asyncio
import socket
from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta

import httpx2
import structlog
import uvicorn
from sqlalchemy.exc import SQLAlchemyError

from trunkline.errors import TrunklineError
from trunkline.platform.http.app import create_app
from trunkline.platform.http.auth import Authenticator
from trunkline.platform.http.context import Platform
from trunkline.platform.http.limits import RequestLimit
from trunkline.platform.outbound.client import Outbound
from trunkline.platform.storage import system
from trunkline.platform.storage.blobs import open_blobs
from trunkline.platform.storage.database import Database
from trunkline.platform.telemetry import logging, metrics
from trunkline.resources.routers import ROUTERS
from trunkline.resources.workspaces.service import StoredKeys
from trunkline.roles import installation
from trunkline.roles.language import thinking
from trunkline.settings import Settings
from trunkline.voice.language.embeddings import Embeddings
from trunkline.voice.language.embeddings_minilm import MiniLM
from trunkline.voice.language.routes import read_routes
from trunkline.voice.models.store import Store
from trunkline.voice.speech.voices import voices_of

log = structlog.get_logger(__name__)

_CLOSE_WITHIN = 5
"""Seconds that answers in progress (live events, downloads) have when the role stops."""
_NODE_TIMEOUT = httpx2.Timeout(5.0)
_FRESH = timedelta(seconds=10)


async def run(settings: Settings) -> int:
    """Serve until SIGTERM, on a port that is free (`ports.check_api`). Raises SetupError before anything is served."""
    logging.configure("api")
    async with (
        _platform(settings) as platform,
        thinking(settings) as language,
        _embeddings(settings) as embeddings,
    ):
        readiness = Readiness(settings, platform)
        app = create_app(platform, routers=ROUTERS, ready=readiness.problems, registry=metrics.REGISTRY)
        app.state.language = language
        app.state.embeddings = embeddings
        app.state.lines_url = settings.lines_url
        app.state.voices = voices_of(
            endpoint=settings.tts_base_url is not None,
            deepgram=settings.deepgram_api_key is not None,
            elevenlabs=settings.elevenlabs_api_key is not None,
        )
        config = uvicorn.Config(
            app,
            host=settings.bind,
            port=settings.http_port,
            loop="uvloop",
            http="httptools",
            log_config=None,
            access_log=False,
            server_header=False,
            timeout_graceful_shutdown=_CLOSE_WITHIN,
        )
        await _Server(config).serve()
    return 0


class _Server(uvicorn.Server):
    """Says when it listens, as the other roles do; uvicorn's own lines are not let through."""

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        log.info("api_ready", port=self.config.port)


@asynccontextmanager
async def _embeddings(settings: Settings) -> AsyncIterator[Embeddings]:
    """For chats that search knowledge; what runs ends first."""
    pool = ThreadPoolExecutor(1, thread_name_prefix="embeddings")
    try:
        yield MiniLM(Store(settings.models_folder), pool)
    finally:
        await asyncio.to_thread(pool.shutdown, cancel_futures=True)


@asynccontextmanager
async def _platform(settings: Settings) -> AsyncIterator[Platform]:
    database = Database.connect(installation.database_url(settings))
    outbound = Outbound(settings.outbound_allow)
    try:
        await database.check_login()
        secrets = await installation.secret_box(settings, database)
        async with httpx2.AsyncClient(trust_env=False, timeout=_NODE_TIMEOUT) as nodes:
            yield Platform(
                database=database,
                secrets=secrets,
                blobs=open_blobs(settings.blobs_folder),
                authenticator=Authenticator(StoredKeys(database, secrets)),
                base_url=settings.base_url,
                nodes=nodes,
                outbound=outbound,
                limit=RequestLimit(settings.rate_limit),
                language_models=model_names(settings),
            )
    finally:
        await outbound.close()
        await database.close()


def model_names(settings: Settings) -> frozenset[str]:
    """The names in TRUNKLINE_LLM_ROUTES. Raises SetupError for a file that cannot be used."""
    if settings.llm_routes is None:
        return frozenset()
    return frozenset(read_routes(settings.llm_routes))


class Readiness:
    """What `/readyz` wants: a database of this version, a first workspace, a voice host, loaded models."""

    def __init__(self, settings: Settings, platform: Platform) -> None:
        self._settings = settings
        self._platform = platform

    async def problems(self) -> dict[str, str]:
        """Part → what is missing; empty when calls can be taken."""
        try:
            found = await self._in_database()
        except TrunklineError as error:
            return {"database": str(error)}
        except SQLAlchemyError as error:  # tables that are not there yet
            return {"database": f"not of this version ({type(error).__name__}); run `trunkline migrate`"}
        if self._settings.llm_embedded and self._settings.llm_base_url:
            found |= await self._model_server(self._settings.llm_base_url.removesuffix("/v1") + "/health")
        return found

    async def _in_database(self) -> dict[str, str]:
        await self._platform.database.check_login()
        async with self._platform.database.system() as session:
            if await system.first_workspace(session) is None:
                return {"workspace": "there is none yet; start `trunkline serve` once"}
            hosts = await system.nodes(session, "voice")
        since = datetime.now(UTC) - _FRESH
        if not any(host.seen_at > since and not host.draining for host in hosts):
            return {"voice": "no voice process is registered; is one running (`trunkline voice`)?"}
        return {}

    async def _model_server(self, url: str) -> dict[str, str]:
        try:
            answer = await self._platform.nodes.get(url)
        except httpx2.HTTPError as error:
            return {"llm": f"the local model server does not answer ({type(error).__name__})"}
        return {} if answer.is_success else {"llm": "the local model is still being loaded"}
