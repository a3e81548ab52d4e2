"""The role voice as a process: takes a real SIP call, shows it, drains on SIGTERM, says what is wrong."""

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from queue import Queue
from typing import Any

import httpx2
import pytest
from benchmarks.ports import free_port, some_rtp_ports
from sqlalchemy import select

from tests.interop import sipp
from tests.interop.certificates import Authority, authority
from tests.interop.program import Answerer, Program
from tests.interop.sipp_run import Sipp
from tests.resources.calls.conftest import NUMBER, agent, box  # noqa: F401 - fixtures
from trunkline.errors import SetupError
from trunkline.platform.storage import system
from trunkline.platform.storage.database import Database
from trunkline.platform.storage.embedded import EmbeddedPostgres
from trunkline.platform.storage.secrets import NODE_TOKEN_HEADER, SecretBox
from trunkline.resources.agents.models import Agent
from trunkline.resources.calls.models import Call
from trunkline.roles.voice import certificate, choice
from trunkline.settings import Settings
from trunkline.voice.lines.sip_config import Certificate
from trunkline.voice.scripted.script import Script, SpeechScript
from trunkline.voice.scripted.server import ScriptedServer

SECRET = "a key of sixteen or more"
GREETING = "Hello, this is the reception."
needs_models = pytest.mark.models("vad", "turn")


class Role:
    """`trunkline voice` with its own ports; its log is read as it comes."""

    def __init__(self, home: Path, models: Path, database_url: str, provider_url: str) -> None:
        self.sip_port, self.voice_port = free_port(), free_port()
        environment = {
            **os.environ,
            "TRUNKLINE_HOME": str(home),
            "TRUNKLINE_MODELS": str(models),
            "DATABASE_URL": database_url,
            "TRUNKLINE_SECRET_KEY": SECRET,
            "TRUNKLINE_SIP_PORT": str(self.sip_port),
            "TRUNKLINE_VOICE_PORT": str(self.voice_port),
            "TRUNKLINE_RTP_PORTS": some_rtp_ports(),
            "TRUNKLINE_LLM_BASE_URL": provider_url,
            "TRUNKLINE_STT_BASE_URL": provider_url,
            "TRUNKLINE_TTS_BASE_URL": provider_url,
        }
        self.process = subprocess.Popen(
            [sys.executable, "-m", "trunkline", "voice"], env=environment, stderr=subprocess.PIPE, text=True
        )
        self.log: list[dict[str, Any]] = []
        self._lines: Queue[str] = Queue()
        self._reader = threading.Thread(target=self._read)
        self._reader.start()

    @property
    def control(self) -> str:
        return f"http://127.0.0.1:{self.voice_port}"

    def wait_for(self, event: str) -> dict[str, Any]:
        """The next line of the log with this event."""
        while True:
            line = self._lines.get(timeout=110)
            assert line, f"the role ended without {event}: {self.log}"
            if line.startswith("{"):
                self.log.append(json.loads(line))
                if self.log[-1]["event"] == event:
                    return self.log[-1]
            else:
                self.log.append({"said": line})

    def stop(self) -> None:
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            self.process.send_signal(signal.SIGTERM)
        try:
            self.process.wait(30)
        finally:
            self.process.kill()
            self._reader.join()

    def _read(self) -> None:
        assert self.process.stderr is not None
        with self.process.stderr as lines:
            for line in lines:
                self._lines.put(line)
        self._lines.put("")


@pytest.fixture
def provider() -> Iterator[ScriptedServer]:
    with ScriptedServer(Script(tts=SpeechScript())) as server:
        yield server


@pytest.fixture
async def role(
    postgres: EmbeddedPostgres,
    database: Database,
    agent: Agent,  # noqa: F811 - the fixture
    models_folder: Path,
    provider: ScriptedServer,
    tmp_path: Path,
) -> AsyncIterator[Role]:
    async with database.workspace(agent.workspace_id) as session:
        row = await session.get_one(Agent, agent.id)
        row.settings = {**row.settings, "greeting_message": GREETING}
    started = Role(tmp_path / "home", models_folder, postgres.app_url, provider.base_url)
    try:
        started.wait_for("voice_ready")
        yield started
    finally:
        started.stop()


@pytest.fixture
def phone(role: Role) -> Iterator[Program]:
    """A softphone in a process of its own, on a call that is up."""
    with Answerer("listen") as program:
        program.tell("dial", target=f"sip:{NUMBER}@127.0.0.1:{role.sip_port}")
        program.wait_for("dialled")
        yield program


async def _record(database: Database) -> Call:
    async with database.system() as session:
        return (await session.execute(select(Call))).scalar_one()


@needs_models
async def test_a_sip_call_is_answered_shown_and_written_down(
    role: Role, phone: Program, database: Database
) -> None:
    headers = {NODE_TOKEN_HEADER: SecretBox(SECRET).node_token}
    async with httpx2.AsyncClient(base_url=role.control, headers=headers, timeout=30) as client:
        [live] = (await client.get("/calls")).json()["calls"]
        notes: list[dict[str, Any]] = []
        async with client.stream("GET", f"/calls/{live['id']}/events") as events:
            async for line in events.aiter_lines():
                if line.startswith("data: "):
                    notes.append(json.loads(line.removeprefix("data: ")))
                    if notes[-1]["kind"] == "agent_said":
                        phone.tell("hang_up")
        assert (await client.get("/readyz")).status_code == 200
        assert "trunkline_beat_work_seconds_count" in (await client.get("/metrics")).text
    assert notes[0]["kind"] == "started"
    assert [note["data"]["text"] for note in notes if note["kind"] == "agent_said"] == [GREETING]
    assert [note["kind"] for note in notes[-2:]] == ["ended", "line"]
    heard = phone.wait_for("closed")
    assert heard["loud"] > 1000
    role.wait_for("call_finished")
    call = await _record(database)
    assert (call.status, call.transcript) == ("completed", f"\nbot: {GREETING}")
    assert call.recording_s is not None and call.recording_s > 0.5


@needs_models
async def test_sigterm_waits_for_the_call_and_leaves_nothing_behind(
    role: Role, phone: Program, database: Database
) -> None:
    role.process.send_signal(signal.SIGTERM)
    role.wait_for("draining")
    async with httpx2.AsyncClient(base_url=role.control, timeout=30) as client:
        answer = await client.get("/readyz")
    assert (answer.status_code, answer.json()["reason"]) == (503, "the host is draining")
    assert role.process.poll() is None
    phone.tell("hang_up")
    role.wait_for("voice_stopped")
    assert role.process.wait(60) == 0
    assert (await _record(database)).status == "completed"
    async with database.system() as session:
        assert await system.nodes(session) == []


@needs_models
async def test_a_second_sigterm_cuts_the_call_off(role: Role, phone: Program, database: Database) -> None:
    role.process.send_signal(signal.SIGTERM)
    role.wait_for("draining")
    role.process.send_signal(signal.SIGTERM)
    phone.wait_for("closed")
    role.wait_for("voice_stopped")
    assert role.process.wait(60) == 0
    call = await _record(database)
    assert (call.status, call.error_message) == ("failed", "The voice host was stopped in mid-call.")


@pytest.fixture
def one_slot(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TRUNKLINE_MAX_CALLS", "1")


@needs_models
@pytest.mark.peer("sipp")
async def test_a_flood_over_the_cap_is_refused_and_the_call_that_is_up_goes_on(
    one_slot: None, role: Role, phone: Program, tmp_path: Path
) -> None:
    begun = time.monotonic()
    phone.tell("report")
    before = phone.wait_for("report")["talks"][0]["heard"]
    flood = sipp.invite(NUMBER) + sipp.refused(NUMBER, 486)
    Sipp(tmp_path, flood, f"127.0.0.1:{role.sip_port}", calls=100).finish()
    assert role.wait_for("call_refused")["reason"].startswith("all 1 slots are taken")
    phone.tell("report")
    heard = phone.wait_for("report")["talks"][0]["heard"] - before
    assert heard / 8000 > 0.5 * (time.monotonic() - begun) - 0.1
    phone.tell("hang_up")
    assert phone.wait_for("closed")["by"] == "local"
    role.wait_for("call_finished")
    assert sum(entry.get("event") == "call_refused" for entry in role.log) == 100


@pytest.fixture(scope="module")
def signed(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return authority(tmp_path_factory.mktemp("authority"))


@pytest.fixture
def shows_a_certificate(signed: Authority, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TRUNKLINE_SIP_TLS_CERT", str(signed.server.chain))
    monkeypatch.setenv("TRUNKLINE_SIP_TLS_KEY", str(signed.server.key))


@needs_models
async def test_with_a_certificate_it_is_called_over_tls(
    shows_a_certificate: None, role: Role, signed: Authority
) -> None:
    """The caller offers SRTP and G.722 too, being our own engine."""
    with Answerer("listen", SSL_CERT_FILE=str(signed.certificate)) as caller:
        caller.tell("dial", target=f"sips:{NUMBER}@localhost:{role.sip_port + 1}")
        caller.wait_for("dialled")
        caller.tell("report")
        assert caller.wait_for("report")["talks"][0]["rate"] == 16_000
        async with httpx2.AsyncClient(base_url=role.control, timeout=30) as client:
            assert (await client.get("/readyz")).status_code == 200
        with pytest.raises(AssertionError):
            caller.wait_for("closed", seconds=3.0)
        caller.tell("hang_up")
        assert caller.wait_for("closed")["loud"] > 1000, "the greeting"
    role.wait_for("call_finished")


def test_without_a_language_model_it_says_what_to_set(tmp_path: Path) -> None:
    settings = Settings.model_construct(home=tmp_path, models=tmp_path)
    with pytest.raises(SetupError, match="TRUNKLINE_LLM_BASE_URL"):
        choice(settings)


def test_endpoints_take_the_place_of_local_models(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TRUNKLINE_HOME", str(tmp_path))
    monkeypatch.setenv("TRUNKLINE_LLM_BASE_URL", "http://llm/v1")
    monkeypatch.setenv("TRUNKLINE_STT_BASE_URL", "http://stt/v1")
    monkeypatch.setenv("TRUNKLINE_STT_API_KEY", "secret")
    chosen = choice(Settings())
    assert chosen.llm.base_url == "http://llm/v1"
    assert chosen.stt is not None and (chosen.stt.base_url, chosen.stt.api_key) == ("http://stt/v1", "secret")
    assert chosen.tts is None
    assert "secret" not in repr(chosen)


def test_tls_wants_a_certificate_and_its_key(tmp_path: Path) -> None:
    chain, key = tmp_path / "chain.pem", tmp_path / "key.pem"
    assert certificate(Settings()) is None
    assert certificate(Settings(sip_tls_cert=chain, sip_tls_key=key)) == Certificate(chain, key)
    for half in (Settings(sip_tls_cert=chain), Settings(sip_tls_key=key)):
        with pytest.raises(SetupError, match="TRUNKLINE_SIP_TLS_CERT and TRUNKLINE_SIP_TLS_KEY"):
            certificate(half)
