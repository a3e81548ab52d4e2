"""`trunkline doctor`: is the installation as it must be? Each line says what is so, and what to do if it is not."""

import asyncio
import importlib
import os
import shutil
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

import httpx2
from rich.console import Console
from rich.text import Text

from trunkline.errors import TrunklineError, Unavailable
from trunkline.platform.storage.database import Database
from trunkline.resources.agents.vocabulary import LANGUAGE_MODELS
from trunkline.roles import installation, models, ports, runfile
from trunkline.roles.language import endpoint
from trunkline.settings import Settings
from trunkline.voice.language.embeddings_minilm import MODEL_SET as EMBEDDINGS
from trunkline.voice.language.routes import read_routes
from trunkline.voice.models.store import Store

LEAST_FREE_BYTES = 2 * 1024**3
WHEELS = (
    "baresip",
    "ctranslate2",
    "hibari",
    "numpy",
    "onnxruntime",
    "psycopg",
    "soxr",
    "tokenizers",
    "xllamacpp",
)


class Verdict(StrEnum):
    """Of one check."""

    GOOD = "good"
    NOTE = "note"
    """Not wrong, but worth knowing."""
    BAD = "bad"


@dataclass(frozen=True)
class Finding:
    """One line of the doctor's."""

    verdict: Verdict
    what: str
    text: str


def good(what: str, text: str) -> Finding:
    return Finding(Verdict.GOOD, what, text)


def note(what: str, text: str) -> Finding:
    return Finding(Verdict.NOTE, what, text)


def bad(what: str, text: str) -> Finding:
    return Finding(Verdict.BAD, what, text)


Check = Callable[[Settings], Awaitable[list[Finding]]]


async def run(settings: Settings, terminal: Console) -> int:
    """Print every finding; 1 when something is wrong."""
    worst = 0
    async for finding in examine(settings):
        mark, style = _MARKS[finding.verdict]
        terminal.print(
            Text.assemble((f"{mark} ", style), (f"{finding.what:<9}", "bold"), finding.text), soft_wrap=True
        )
        worst = max(worst, finding.verdict is Verdict.BAD)
    return worst


_MARKS = {Verdict.GOOD: ("ok ", "green"), Verdict.NOTE: ("-- ", "yellow"), Verdict.BAD: ("BAD", "bold red")}


async def examine(settings: Settings) -> AsyncIterator[Finding]:
    """Every check, one after the other; one that breaks is a finding itself."""
    for check in CHECKS:
        try:
            findings = await check(settings)
        except TrunklineError as error:
            findings = [bad(check.__name__, str(error))]
        for finding in findings:
            yield finding


async def python(_: Settings) -> list[Finding]:
    """The interpreter and what was installed into it."""
    version = ".".join(str(part) for part in sys.version_info[:3])
    broken = [f"{name} ({error})" for name in WHEELS if (error := _import_error(name)) is not None]
    if broken:
        return [
            bad(
                "python",
                f"these packages do not load: {', '.join(broken)}; run `make clean run` to install anew",
            )
        ]
    return [good("python", f"{version}, all packages load")]


def _import_error(name: str) -> str | None:
    try:
        importlib.import_module(name)
    except ImportError as error:
        return str(error)
    return None


async def home(settings: Settings) -> list[Finding]:
    """The data folder: there, ours, with room."""
    folder = settings.home
    existing = folder
    while not existing.exists():
        existing = existing.parent
    if not os.access(existing, os.W_OK | os.X_OK):
        return [bad("home", f"{existing} may not be written; set TRUNKLINE_HOME to a folder of your own")]
    free = shutil.disk_usage(existing).free
    if free < LEAST_FREE_BYTES:
        return [
            bad(
                "home", f"{folder} has {free / 1e9:.1f} GB free; make room, recordings and database need 2 GB"
            )
        ]
    state = "" if folder.exists() else " (not there yet; the first start makes it)"
    return [good("home", f"{folder}{state}, {free / 1e9:.0f} GB free")]


async def model_files(settings: Settings) -> list[Finding]:
    """Every model file that the settings call for, by hash."""
    store = Store(settings.models_folder)
    findings = []
    for name in models.needed(settings):
        try:
            await asyncio.to_thread(store.set_folder, name)
        except TrunklineError as error:
            findings.append(bad("models", str(error)))
        else:
            findings.append(good("models", f"{name} is there and has its hash"))
    if await asyncio.to_thread(store.missing, EMBEDDINGS):
        findings.append(
            note("models", f"no knowledge base can be read: run `trunkline models pull {EMBEDDINGS}`")
        )
    return findings


async def listening(settings: Settings) -> list[Finding]:
    """The ports: free, or held by our own platform."""
    if runfile.lock_owner(settings.home) is not None:
        return []
    findings = [
        bad("ports", str(ports.taken(need)))
        for need in ports.needs(settings)
        if not ports.is_free(settings.bind, need)
    ]
    return findings or [good("ports", "all free")]


async def running(settings: Settings) -> list[Finding]:
    """The platform of this home."""
    state = runfile.read(settings.home)
    if state is None:
        owner = runfile.lock_owner(settings.home)
        if owner is not None:
            return [note("platform", f"process {owner} is starting or stopping it")]
        return [note("platform", "not running; start it with `trunkline serve`")]
    findings = [good("platform", f"runs as process {state.pid}")]
    logs = settings.home / "logs"
    findings.append(await _answers("api", f"{state.api_url}/readyz", f"read {logs / 'api.log'}"))
    findings.append(await _answers("voice", f"{state.voice_url}/readyz", f"read {logs / 'voice.log'}"))
    return findings


async def _answers(what: str, url: str, remedy: str) -> Finding:
    try:
        async with httpx2.AsyncClient(trust_env=False, timeout=5.0) as client:
            answer = await client.get(url)
    except httpx2.HTTPError as error:
        return bad(what, f"{url} does not answer ({type(error).__name__}); {remedy}")
    if answer.is_error:
        return bad(what, f"{url} says {answer.status_code}: {answer.text.strip()[:300]}; {remedy}")
    return good(what, f"{url} answers")


async def database(settings: Settings) -> list[Finding]:
    """Reachable, migrated, its login bound by row-level security, its secrets ours to read."""
    if settings.database_url is None and runfile.read(settings.home) is None:
        if (settings.home / "postgres").exists():
            return [note("database", "embedded, stopped; it is checked while the platform runs")]
        return [note("database", "embedded, not made yet; the first start makes it")]
    pool = Database.connect(installation.database_url(settings), pool_size=1)
    try:
        try:
            await pool.ping()
        except Unavailable:
            return [bad("database", f"does not answer; {_database_remedy(settings)}")]
        await pool.check_login()
        key_file = settings.home / "keys" / "secret.key"
        if settings.secret_key is None and not key_file.exists():
            return [
                bad("database", f"answers, but {key_file} is missing; restore it or set TRUNKLINE_SECRET_KEY")
            ]
        await installation.secret_box(settings, pool)
    finally:
        await pool.close()
    return [good("database", "answers, its login is bound by row-level security, the secret key fits")]


def _database_remedy(settings: Settings) -> str:
    if settings.database_url is not None:
        return "check DATABASE_URL and that PostgreSQL runs there"
    return f"read {settings.home / 'postgres' / 'log'} and {settings.home / 'logs' / 'serve.log'}"


async def language(settings: Settings) -> list[Finding]:
    """The language model's endpoint."""
    state = runfile.read(settings.home)
    if state is not None and state.llm_embedded:
        url = state.llm_url.removesuffix("/v1") + "/health"
        return [await _answers("llm", url, f"read {settings.home / 'logs' / 'llm.log'}")]
    if settings.llm_base_url is None:
        return []
    key = settings.llm_api_key.get_secret_value() if settings.llm_api_key else ""
    url = f"{settings.llm_base_url.rstrip('/')}/models"
    try:
        async with httpx2.AsyncClient(trust_env=False, timeout=10.0) as client:
            answer = await client.get(url, headers={"Authorization": f"Bearer {key}"} if key else {})
    except httpx2.HTTPError as error:
        return [bad("llm", f"{url} does not answer ({type(error).__name__}); check TRUNKLINE_LLM_BASE_URL")]
    if answer.status_code in (401, 403):
        return [bad("llm", f"{url} refuses the key; check TRUNKLINE_LLM_API_KEY")]
    return [good("llm", f"{url} answers")]


async def model_names(settings: Settings) -> list[Finding]:
    """Names of language models that agents may have and another model answers to."""
    found = endpoint(settings)
    embedded = settings.llm_base_url is None if found is None else found.embedded
    if not embedded:
        return []
    routed = {} if settings.llm_routes is None else read_routes(settings.llm_routes)
    unrouted = [name for name in LANGUAGE_MODELS if name not in routed]
    if not unrouted:
        return []
    return [
        note(
            "llm",
            f"agents with {', '.join(unrouted)} are answered by the small local model; set TRUNKLINE_LLM_ROUTES or "
            "TRUNKLINE_LLM_BASE_URL to have the model that is named",
        )
    ]


async def settings_files(settings: Settings) -> list[Finding]:
    """Files that the settings name."""
    named: dict[str, Path | None] = {
        "TRUNKLINE_LLM_ROUTES": settings.llm_routes,
        "TRUNKLINE_SIP_TLS_CERT": settings.sip_tls_cert,
        "TRUNKLINE_SIP_TLS_KEY": settings.sip_tls_key,
    }
    return [
        bad("settings", f"{name} names {path}, which cannot be read; correct or unset it")
        for name, path in named.items()
        if path is not None and not os.access(path, os.R_OK)
    ]


CHECKS: tuple[Check, ...] = (
    python,
    home,
    settings_files,
    model_files,
    listening,
    running,
    database,
    language,
    model_names,
)
