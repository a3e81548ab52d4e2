"""`trunkline serve` where something is not as it must be: one line that says what to do, status 1, no traceback."""

import shutil
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
import pytest
from benchmarks.ports import free_port

from tests.system.command import refusal, run
from trunkline.platform.storage import migrate
from trunkline.platform.storage.database import Database
from trunkline.platform.storage.embedded import EmbeddedPostgres
from trunkline.platform.storage.secrets import SecretBox


@pytest.fixture
def good(tmp_path: Path, models_folder: Path) -> dict[str, str]:
    """An environment in which it would start; the endpoints are asked for nothing before the first call."""
    return {
        "TRUNKLINE_HOME": str(tmp_path / "home"),
        "TRUNKLINE_MODELS": str(models_folder),
        "TRUNKLINE_HTTP_PORT": str(free_port()),
        "TRUNKLINE_SIP_PORT": str(free_port()),
        "TRUNKLINE_VOICE_PORT": str(free_port()),
        **{f"TRUNKLINE_{part}_BASE_URL": "http://127.0.0.1:9/v1" for part in ("LLM", "STT", "TTS")},
    }


@contextmanager
def held(port: int, kind: socket.SocketKind) -> Iterator[None]:
    with socket.socket(socket.AF_INET, kind) as other:
        other.bind(("127.0.0.1", port))
        if kind is socket.SOCK_STREAM:
            other.listen(1)
        yield


@pytest.fixture
def operators_url(postgres: EmbeddedPostgres) -> Iterator[str]:
    """An empty database on a server of the operator's own, and its owner."""
    with psycopg.connect(postgres.owner_url, autocommit=True) as connection:
        connection.execute("CREATE ROLE plain LOGIN PASSWORD 'p'")
        connection.execute("GRANT trunkline_app, trunkline_system TO plain")
        connection.execute("CREATE DATABASE plain OWNER plain")
        with psycopg.connect(postgres.owner_url.replace("/trunkline?", "/plain?")) as administrator:
            administrator.execute("CREATE EXTENSION vector")
        yield f"postgresql://plain:p@/plain?{postgres.owner_url.split('?')[1]}"
        connection.execute("DROP DATABASE plain WITH (FORCE)")
        connection.execute("DROP ROLE plain")


@pytest.mark.parametrize(
    ("setting", "kind", "who"),
    [
        ("TRUNKLINE_HTTP_PORT", socket.SOCK_STREAM, "the API"),
        ("TRUNKLINE_VOICE_PORT", socket.SOCK_STREAM, "the voice process"),
        ("TRUNKLINE_SIP_PORT", socket.SOCK_DGRAM, "SIP"),
        ("TRUNKLINE_SIP_PORT", socket.SOCK_STREAM, "SIP"),
    ],
)
def test_a_port_that_is_taken(good: dict[str, str], setting: str, kind: socket.SocketKind, who: str) -> None:
    with held(int(good[setting]), kind):
        said = refusal(good)
    assert f"port {good[setting]} (" in said
    assert f"is taken by another program and {who}" in said
    assert f"set {setting} to a free port" in said


def test_a_model_that_is_not_there(good: dict[str, str], tmp_path: Path) -> None:
    said = refusal(good | {"TRUNKLINE_MODELS": str(tmp_path)})
    assert f"vad/silero_vad.onnx is not in {tmp_path}" in said
    assert "Run `trunkline models pull vad`" in said


@pytest.mark.models("vad")
def test_a_model_that_was_changed(good: dict[str, str], models_folder: Path, tmp_path: Path) -> None:
    folder = tmp_path / "models"
    shutil.copytree(models_folder / "vad", folder / "vad")
    with (folder / "vad" / "silero_vad.onnx").open("r+b") as file:
        file.seek(1000)
        byte = file.read(1)[0]
        file.seek(1000)
        file.write(bytes([byte ^ 1]))
    said = refusal(good | {"TRUNKLINE_MODELS": str(folder)})
    assert "silero_vad.onnx is not the model file it should be (its sha256 differs" in said
    assert "Run `trunkline models pull vad`" in said


@pytest.mark.models("vad", "turn")
@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("mysql://somewhere/db", "postgresql://user:password@host"),
        ("postgresql://a:b@127.0.0.1:{free}/c", "The database cannot be reached"),
        ("{login}/absent?host={socket}", "absent"),
        ("postgresql://trunkline_run:wrong@/trunkline?host={socket}", "password"),
    ],
)
def test_a_database_that_cannot_be_used(
    good: dict[str, str], postgres: EmbeddedPostgres, url: str, words: str
) -> None:
    login, _, socket_folder = postgres.app_url.partition("/trunkline?host=")
    given = url.format(free=free_port(), login=login, socket=socket_folder)
    said = refusal(good | {"DATABASE_URL": given})
    assert words in said
    assert "DATABASE_URL" in said


@pytest.mark.models("vad", "turn")
async def test_a_secret_key_that_does_not_fit(good: dict[str, str], operators_url: str) -> None:
    migrate.upgrade(operators_url)
    database = Database.connect(operators_url)
    await SecretBox("the secret key of this installation").check(database)
    await database.close()
    said = refusal(good | {"DATABASE_URL": operators_url, "TRUNKLINE_SECRET_KEY": "another key altogether"})
    assert "The secret key is not the one that this database was set up with" in said
    assert "TRUNKLINE_SECRET_KEY" in said


def test_a_home_that_cannot_be_made(good: dict[str, str], tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    said = refusal(good | {"TRUNKLINE_HOME": str(tmp_path / "file" / "home")})
    assert "set TRUNKLINE_HOME to one that you may write" in said


@pytest.mark.models("vad", "turn")
def test_a_setting_that_only_one_role_reads(good: dict[str, str]) -> None:
    said = refusal(good | {"TRUNKLINE_RTP_PORTS": "banana"})
    assert "voice does not start: RTP ports 'banana' are not a range; set TRUNKLINE_RTP_PORTS like" in said


def test_a_setting_that_makes_no_sense(good: dict[str, str]) -> None:
    said = refusal(good | {"TRUNKLINE_MAX_CALLS": "0"})
    assert "the setting TRUNKLINE_MAX_CALLS cannot be used" in said


def test_the_doctor_names_everything_that_is_wrong(good: dict[str, str], tmp_path: Path) -> None:
    broken = good | {
        "TRUNKLINE_MODELS": str(tmp_path / "none"),
        "TRUNKLINE_LLM_ROUTES": str(tmp_path / "routes.json"),
        "DATABASE_URL": f"postgresql://a:b@127.0.0.1:{free_port()}/c",
    }
    with held(int(good["TRUNKLINE_HTTP_PORT"]), socket.SOCK_STREAM):
        done = run("doctor", broken)
    assert done.returncode == 1
    assert "Traceback" not in done.stdout + done.stderr
    wrong = {line.split()[1]: line for line in done.stdout.splitlines() if line.startswith("BAD")}
    assert set(wrong) == {"models", "settings", "ports", "database", "llm"}
    assert "trunkline models pull" in wrong["models"]
    assert "TRUNKLINE_LLM_ROUTES" in wrong["settings"]
    assert "TRUNKLINE_HTTP_PORT" in wrong["ports"]
    assert "DATABASE_URL" in wrong["database"]
    assert "TRUNKLINE_LLM_BASE_URL" in wrong["llm"]
