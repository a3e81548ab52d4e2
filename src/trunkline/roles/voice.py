"""The role voice: holds live calls. Composes host, lines, speech and language from the settings."""

import asyncio
import signal
from contextlib import AsyncExitStack
from dataclasses import dataclass
from uuid import UUID, uuid4

import structlog
from pydantic import SecretStr
from starlette.types import ASGIApp

from trunkline.errors import SetupError
from trunkline.host import carriers_http, control, media_http
from trunkline.host.archive import Archive
from trunkline.host.beat import Beat, tune_interpreter
from trunkline.host.carriers import CarrierCalls
from trunkline.host.desk import Desk
from trunkline.host.exchange import Exchange
from trunkline.host.holding import Holding
from trunkline.host.host import VoiceHost
from trunkline.host.journal import Journal
from trunkline.host.media import MediaCalls
from trunkline.host.node import Identity, Node
from trunkline.host.parts import Choice, Endpoint, Parts, load
from trunkline.host.recorder import RecordingWriter
from trunkline.host.registrar import Registrar
from trunkline.host.writer import EventWriter
from trunkline.platform.outbound.client import Outbound
from trunkline.platform.storage.blobs import open_blobs
from trunkline.platform.storage.database import Database
from trunkline.platform.storage.secrets import SecretBox
from trunkline.platform.telemetry import logging
from trunkline.platform.work.wakeups import Wakeups
from trunkline.resources.actions.messages import REPLIES
from trunkline.resources.actions.work import Means
from trunkline.resources.calls.inbound_webhook import InboundWebhook
from trunkline.resources.calls.live import OFFERS, LiveCalls
from trunkline.resources.carriers.live import CarrierClaims
from trunkline.resources.media_calls.live import MediaClaims
from trunkline.resources.messages.replies import RECEIVED
from trunkline.resources.trunks.live import TrunkClaims
from trunkline.roles import installation
from trunkline.roles.language import ABSENT, endpoint
from trunkline.settings import Settings
from trunkline.voice.language.embeddings_minilm import MiniLM
from trunkline.voice.lines.sip import SipEngine
from trunkline.voice.lines.sip_config import Certificate
from trunkline.voice.lines.websocket import WebSocketLines
from trunkline.voice.models.store import Store
from trunkline.voice.speech.wanted import Keys

log = structlog.get_logger(__name__)

_WATCH_SECONDS = 1.0


async def run(settings: Settings) -> int:
    """Hold calls until SIGTERM, then wait for the live ones; a second SIGTERM cuts them off.

    Raises SetupError, PortTaken and Unavailable while it starts. Status 1: the beat died.
    """
    logging.configure("voice")
    shown = certificate(settings)
    if shown is not None:
        shown.check()
    url = installation.database_url(settings)
    async with AsyncExitStack() as stack:
        database = Database.connect(url)
        stack.push_async_callback(database.close)
        heartbeat = Database.connect(url, pool_size=1, durable=False)
        stack.push_async_callback(heartbeat.close)
        await database.check_login()
        secrets = await installation.secret_box(settings, database)
        parts = await asyncio.to_thread(load, choice(settings))
        stack.push_async_callback(parts.close)
        await parts.warm()
        beat = Beat(parts.vad, asyncio.get_running_loop())
        host = await _started(stack, _Ground(settings, database, heartbeat, secrets, parts, beat))
        wakeups = Wakeups(url)
        wakeups.listen(OFFERS, lambda _: host.wake())
        wakeups.listen(RECEIVED, REPLIES.heard)
        listening = asyncio.create_task(wakeups.run(), name="wake-ups")
        stack.callback(listening.cancel)
        log.info("voice_ready", capacity=settings.call_capacity)
        well = await _until_told(host, beat)
        await host.drain()
    log.info("voice_stopped")
    return 0 if well else 1


@dataclass(frozen=True)
class _Ground:
    """What calls stand on; there before the first, and longer than the last."""

    settings: Settings
    database: Database
    heartbeat: Database
    """A connection of its own, which waits for no disk: whoever waits for either does not make this host look dead."""
    secrets: SecretBox
    parts: Parts
    beat: Beat


async def _started(stack: AsyncExitStack, ground: _Ground) -> VoiceHost:
    """A host that takes calls; `stack` takes it down again in order."""
    settings, database, secrets, beat = ground.settings, ground.database, ground.secrets, ground.beat
    holding = await _holding(stack, ground)
    host = VoiceHost(holding, settings.call_capacity)
    lines = WebSocketLines(asyncio.get_running_loop())
    media = MediaCalls(holding, host.admission, MediaClaims(database, secrets), lines, uuid4())
    beat.clocks.append(lines.tick)
    tune_interpreter()
    beat.start()
    stack.push_async_callback(beat.stop)
    application = _application(ground, holding, host, media, lines)
    port = await stack.enter_async_context(control.served(application, settings.bind, settings.voice_port))
    engine = SipEngine(
        settings.bind,
        settings.sip_port,
        settings.rtp_ports,
        settings.public_ip,
        certificate=certificate(settings),
    )
    stack.push_async_callback(host.stop)
    identity = _identity(settings, media.host, port)
    node = Node(ground.heartbeat, identity, lambda: holding.calls, holding.found_closed)
    await host.start(engine, node, media)
    registrar = Registrar(TrunkClaims(database, secrets), engine, media.host, lambda: host.draining)
    registrar.start()
    stack.push_async_callback(registrar.stop)
    return host


async def _holding(stack: AsyncExitStack, ground: _Ground) -> Holding:
    """What holds calls and writes them down, writing."""
    settings, database, secrets = ground.settings, ground.database, ground.secrets
    live = LiveCalls(database, secrets)
    blobs = open_blobs(settings.blobs_folder)
    recordings = RecordingWriter(blobs)
    archive = Archive(blobs, recordings)
    writer = EventWriter(
        live, Journal(settings.home / "journal"), lambda call_id: holding.found_closed(call_id)
    )
    outbound = Outbound(settings.outbound_allow)
    stack.push_async_callback(outbound.close)
    embeddings = MiniLM(Store(settings.models_folder), ground.parts.pool)
    means = Means(database, secrets, outbound, embeddings=embeddings)
    exchange = Exchange(archive, lines=settings.call_capacity)
    desk = Desk(ground.beat, ground.parts, writer, means, exchange)
    holding = Holding(desk, live, archive, InboundWebhook(database, secrets, outbound))
    await writer.start()
    stack.push_async_callback(writer.stop)
    recordings.start()
    stack.push_async_callback(recordings.stop)
    return holding


def _application(
    ground: _Ground, holding: Holding, host: VoiceHost, media: MediaCalls, lines: WebSocketLines
) -> ASGIApp:
    """Control, and the WebSockets of calls."""
    carriers = CarrierCalls(
        holding,
        host.admission,
        CarrierClaims(ground.database, ground.secrets),
        lines,
        ground.secrets,
        media.host,
        host.not_ready,
        ground.settings.lines_url,
    )
    further = [*media_http.routes(media), *carriers_http.routes(carriers)]
    return control.app(host, ground.secrets.node_token, media.host, further)


def _identity(settings: Settings, node: UUID, port: int) -> Identity:
    """`port`: of control."""
    here = {"0.0.0.0": "127.0.0.1", "::": "[::1]"}.get(settings.bind, settings.bind)  # noqa: S104 - replaced, not bound
    address = settings.public_ip or here
    return Identity(
        node, f"http://{address}:{port}", f"{address}:{settings.sip_port}", settings.call_capacity
    )


async def _until_told(host: VoiceHost, beat: Beat) -> bool:
    """Wait for SIGTERM or SIGINT; later ones hurry the host. False: the beat died."""
    loop = asyncio.get_running_loop()
    told = asyncio.Event()

    def tell() -> None:
        if told.is_set():
            host.hurry()
        told.set()

    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, tell)
    while not told.is_set():
        try:
            async with asyncio.timeout(_WATCH_SECONDS):
                await told.wait()
        except TimeoutError:
            if not beat.alive:
                log.error("beat_died", remedy="the calls on this process are lost; it starts anew")
                host.hurry()
                return False
    return True


def choice(settings: Settings) -> Choice:
    """The speech and language parts that the settings name. Raises SetupError without a language model."""
    llm = endpoint(settings)
    if llm is None:
        raise SetupError(ABSENT)
    return Choice(
        models=settings.models_folder,
        llm=Endpoint(llm.base_url, llm.api_key),
        llm_embedded=llm.embedded,
        llm_routes=settings.llm_routes,
        stt=_endpoint(settings.stt_base_url, settings.stt_api_key),
        tts=_endpoint(settings.tts_base_url, settings.tts_api_key),
        keys=Keys(_shown(settings.deepgram_api_key), _shown(settings.elevenlabs_api_key)),
        llm_fallback=settings.llm_fallback,
    )


def certificate(settings: Settings) -> Certificate | None:
    """What SIP shows over TLS; None where it only calls out. Raises SetupError for one setting without the other."""
    chain, key = settings.sip_tls_cert, settings.sip_tls_key
    if chain is None and key is None:
        return None
    if chain is None or key is None:
        raise SetupError(
            "SIP over TLS needs both TRUNKLINE_SIP_TLS_CERT and TRUNKLINE_SIP_TLS_KEY: set both, or unset both"
        )
    return Certificate(chain, key)


def _endpoint(base_url: str | None, key: SecretStr | None) -> Endpoint | None:
    return None if base_url is None else Endpoint(base_url, _shown(key))


def _shown(key: SecretStr | None) -> str:
    return key.get_secret_value() if key else ""
