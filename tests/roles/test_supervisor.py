"""The supervisor over small fake roles: brings them up, keeps them alive, stops them in order."""

import asyncio
import os
import signal
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from benchmarks.ports import free_port
from rich.console import Console

from trunkline.errors import ModelMissing, PortTaken, SetupError
from trunkline.platform.telemetry import logging
from trunkline.roles import foundation, models, runfile, supervisor
from trunkline.roles.process import Program
from trunkline.settings import Settings

FAKE_ROLE = '''
"""Notes its start and its end; the one named api answers /readyz."""
import http.server, os, signal, sys, threading

name, folder = sys.argv[1:]

def note(text):
    with open(folder + "/notes", "a") as file:
        file.write(f"{text} {name}\\n")

def stop(*_):
    note("stopped")
    os._exit(0)

class Ready(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        note("answered")
        self.send_response(200 if not os.path.exists(folder + "/unready") else 503)
        self.end_headers()
        self.wfile.write(b"the voice host is missing")
    def log_message(self, *_):
        pass

signal.signal(signal.SIGTERM, stop)
note("started")
if name == "api":
    port = int(os.environ["TRUNKLINE_HTTP_PORT"])
    http.server.ThreadingHTTPServer(("127.0.0.1", port), Ready).serve_forever()
threading.Event().wait()
'''


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "fake_role.py").write_text(FAKE_ROLE)
    return tmp_path


@pytest.fixture
def settings(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    """Of an installation whose foundation, model server and roles are fakes."""

    @asynccontextmanager
    async def laid(_: Settings) -> AsyncIterator[foundation.Foundation]:
        note(folder, "started database")
        try:
            yield foundation.Foundation("postgresql://fake", "sk_first_key", None)
        finally:
            note(folder, "stopped database")

    def fake(name: str) -> Program:
        return Program(name, "fake_role", (name, str(folder)), stop_within=10.0)

    monkeypatch.setenv("PYTHONPATH", str(folder))
    monkeypatch.setattr(foundation, "laid", laid)
    monkeypatch.setattr(logging, "configure", lambda *_, **_options: None)  # it is the whole process's
    monkeypatch.setattr(models, "check", lambda _: None)
    monkeypatch.setattr(models, "server_program", lambda _settings, _port: fake("llm"))
    monkeypatch.setattr(supervisor, "ROLES", tuple(fake(name) for name in ("api", "worker", "voice")))
    chosen = Settings(
        home=folder / "home",
        http_port=free_port(),
        voice_port=free_port(),
        sip_port=free_port(),
    )
    monkeypatch.setenv("TRUNKLINE_HTTP_PORT", str(chosen.http_port))
    return chosen


def note(folder: Path, text: str) -> None:
    with (folder / "notes").open("a") as file:
        file.write(text + "\n")


def notes(folder: Path, verb: str) -> list[str]:
    path = folder / "notes"
    lines = path.read_text().splitlines() if path.exists() else []
    return [line.removeprefix(verb + " ") for line in lines if line.startswith(verb)]


async def eventually(condition: Callable[[], bool]) -> None:
    for _ in range(6000):
        if condition():
            return
        await asyncio.sleep(0.01)
    raise AssertionError("it never happened")


def platform_of(settings: Settings) -> supervisor.Platform:
    return supervisor.Platform(settings, Console(quiet=True))


async def test_it_stops_voice_first_and_the_database_last(settings: Settings, folder: Path) -> None:
    async with platform_of(settings).up() as state:
        await eventually(lambda: len(notes(folder, "started")) == 5)
        assert state.api_url == f"http://127.0.0.1:{settings.http_port}"
        assert runfile.read(settings.home) == state
    assert notes(folder, "stopped") == ["voice", "worker", "api", "llm", "database"]
    assert runfile.read(settings.home) is None
    assert runfile.lock_owner(settings.home) is None


async def test_roles_get_database_and_model_server(
    settings: Settings, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    code = (
        "import os, sys\nopen(sys.argv[2] + '/env', 'w').write(repr(dict(os.environ)))\n" + FAKE_ROLE.lstrip()
    )
    (folder / "fake_role.py").write_text(code)
    monkeypatch.setenv("TRUNKLINE_API_KEY", "not for the roles")
    async with platform_of(settings).up() as state:
        environment = (folder / "env").read_text()
    assert "'DATABASE_URL': 'postgresql://fake'" in environment
    assert f"'TRUNKLINE_LLM_BASE_URL': '{state.llm_url}'" in environment
    assert "'TRUNKLINE_LLM_EMBEDDED': '1'" in environment
    assert "not for the roles" not in environment


async def test_a_dead_role_comes_back_and_the_others_stay(settings: Settings, folder: Path) -> None:
    platform = platform_of(settings)
    async with platform.up():
        await eventually(lambda: len(notes(folder, "started")) == 5)
        before = {each.program.name: each.pid for each in platform.processes}
        assert before["voice"] is not None
        os.kill(before["voice"], signal.SIGKILL)
        await eventually(lambda: notes(folder, "started").count("voice") == 2)
        after = {each.program.name: each.pid for each in platform.processes}
    assert [name for name in after if after[name] != before[name]] == ["voice"]


async def test_a_taken_port_stops_it_before_anything_starts(settings: Settings, folder: Path) -> None:
    server = await asyncio.start_server(lambda *_: None, "127.0.0.1", settings.voice_port)
    async with server:
        with pytest.raises(PortTaken, match="TRUNKLINE_VOICE_PORT"):
            async with platform_of(settings).up():
                raise AssertionError("it must not come up")
    assert notes(folder, "started") == []


async def test_missing_models_stop_it_before_anything_starts(
    settings: Settings, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.undo()
    settings.models = folder / "none"
    with pytest.raises(ModelMissing, match="trunkline models pull vad"):
        async with platform_of(settings).up():
            raise AssertionError("it must not come up")


async def test_a_second_one_of_the_same_home_is_refused(settings: Settings) -> None:
    other = settings.model_copy(
        update={
            "http_port": free_port(),
            "voice_port": free_port(),
            "sip_port": free_port(),
        }
    )
    async with platform_of(settings).up():
        with pytest.raises(SetupError, match=f"process {os.getpid()} already runs trunkline"):
            async with platform_of(other).up():
                raise AssertionError("it must not come up")


async def test_a_role_that_cannot_start_ends_it_with_its_words(settings: Settings, folder: Path) -> None:
    (folder / "fake_role.py").write_text("import sys\nsys.exit(f'{sys.argv[1]} has no bread')\n")
    with pytest.raises(SetupError, match=r"does not start; its last words:\n.* has no bread"):
        async with platform_of(settings).up():
            raise AssertionError("it must not come up")
    assert notes(folder, "stopped") == ["database"]


async def test_one_that_is_never_ready_says_what_is_missing(
    settings: Settings, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (folder / "unready").touch()
    monkeypatch.setattr(supervisor, "monotonic", lambda: 1e9 * ("api" in notes(folder, "answered")))
    with pytest.raises(SetupError, match="the voice host is missing"):
        async with platform_of(settings).up():
            raise AssertionError("it must not come up")


async def test_a_signal_stops_it_in_order(settings: Settings, folder: Path) -> None:
    platform = platform_of(settings)

    async def body() -> int:
        async with platform.up():
            await eventually(lambda: len(notes(folder, "started")) == 5)
            os.kill(os.getpid(), signal.SIGTERM)
            await asyncio.Event().wait()
        return 1

    assert await supervisor.until_signalled(platform, asyncio.create_task(body())) == 0
    assert notes(folder, "stopped") == ["voice", "worker", "api", "llm", "database"]


async def test_a_repeated_signal_cuts_off_what_drains(settings: Settings, folder: Path) -> None:
    drains = FAKE_ROLE.replace(
        '    note("stopped")\n    os._exit(0)',
        '    note("asked")\n    asked.append(1)\n'
        '    if name != "voice" or len(asked) == 2:\n        note("stopped")\n        os._exit(0)',
    ).replace("name, folder", "asked = []\nname, folder", 1)
    (folder / "fake_role.py").write_text(drains)
    platform = platform_of(settings)

    async def body() -> int:
        async with platform.up():
            await eventually(lambda: len(notes(folder, "started")) == 5)
            os.kill(os.getpid(), signal.SIGTERM)
            await asyncio.Event().wait()
        return 1

    stopping = asyncio.create_task(supervisor.until_signalled(platform, asyncio.create_task(body())))
    await eventually(lambda: notes(folder, "asked") == ["voice"])
    assert notes(folder, "stopped") == []
    os.kill(os.getpid(), signal.SIGINT)
    assert await stopping == 0
    assert notes(folder, "stopped") == ["voice", "worker", "api", "llm", "database"]
