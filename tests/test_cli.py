"""The command line: what an operator sees, above all when something is wrong."""

import subprocess
import sys
from pathlib import Path

import pytest
from benchmarks.ports import free_port

from trunkline import __version__, cli
from trunkline.roles import ports, runfile


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An installation of its own, with nothing in it."""
    for name in ("DATABASE_URL", "TRUNKLINE_API_KEY", "TRUNKLINE_LLM_BASE_URL", "TRUNKLINE_LLM_ROUTES"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("TRUNKLINE_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("TRUNKLINE_MODELS", str(tmp_path / "models"))
    for name in ("TRUNKLINE_HTTP_PORT", "TRUNKLINE_VOICE_PORT"):
        monkeypatch.setenv(name, str(free_port()))
    monkeypatch.setenv("TRUNKLINE_SIP_PORT", str(free_port()))
    return tmp_path / "home"


def fails_with(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    """What a command that must fail says: one line on standard error, status 1, no traceback."""
    monkeypatch.setattr(sys, "argv", ["trunkline", *arguments])
    with pytest.raises(SystemExit) as left:
        cli.main()
    assert left.value.code == 1
    error = capsys.readouterr().err
    assert error.count("\n") == 1
    assert error.startswith("trunkline: ")
    return error


def test_the_module_runs_too() -> None:
    command = [sys.executable, "-m", "trunkline", "--version"]
    done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=60)
    assert done.stdout == f"trunkline {__version__}\n"


def test_missing_models_say_what_to_run(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert "trunkline models pull vad" in fails_with(monkeypatch, capsys, "serve")


def test_a_model_file_with_a_wrong_hash_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "models" / "vad"
    folder.mkdir(parents=True)
    (folder / "silero_vad.onnx").write_bytes(b"not a model")
    error = fails_with(monkeypatch, capsys, "demo", "--exit")
    assert "silero_vad.onnx is not the model file it should be" in error
    assert "trunkline models pull vad" in error


def test_a_taken_port_says_who_needs_it_and_what_moves_it(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("TRUNKLINE_VOICE_PORT", "8010")
    monkeypatch.setattr(ports, "is_free", lambda _bind, need: need.port != 8010)
    error = fails_with(monkeypatch, capsys, "serve")
    assert "port 8010 (TCP) is taken by another program and the voice process" in error
    assert "set TRUNKLINE_VOICE_PORT to a free port" in error


@pytest.mark.parametrize("role", ["api", "worker", "voice"])
def test_a_role_alone_wants_a_database(
    role: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    command = [sys.executable, "-m", "trunkline", role]  # a process: a role sets up the logging of its own
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=110)
    assert done.returncode == 1
    assert "set DATABASE_URL to a PostgreSQL server" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_setting_that_is_no_number_is_named(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("TRUNKLINE_HTTP_PORT", "eighty")
    assert "the setting TRUNKLINE_HTTP_PORT cannot be used" in fails_with(monkeypatch, capsys, "doctor")


def test_a_database_url_that_is_none_is_explained(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("DATABASE_URL", "mysql://somewhere")
    assert "postgresql://user:password@host" in fails_with(monkeypatch, capsys, "migrate")


def test_an_unknown_set_of_models_lists_the_known_ones(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert "llm-1.5b" in fails_with(monkeypatch, capsys, "models", "pull", "no-such-set")


def test_a_home_that_is_in_use_names_the_process(
    home: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    with runfile.HomeLock(home):
        assert "already runs trunkline under" in fails_with(monkeypatch, capsys, "keys", "list")


def test_models_list_tells_what_is_absent(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "argv", ["trunkline", "models", "list"])
    monkeypatch.setenv("COLUMNS", "200")
    with pytest.raises(SystemExit) as left:
        cli.main()
    assert left.value.code == 0
    shown = capsys.readouterr().out
    assert "llm-1.5b (default)" in shown
    assert "silero_vad.onnx absent" in shown


def test_keys_are_made_shown_and_revoked(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Against an embedded database that each command starts for itself."""
    monkeypatch.setenv("COLUMNS", "200")

    def run(*arguments: str) -> str:
        monkeypatch.setattr(sys, "argv", ["trunkline", *arguments])
        with pytest.raises(SystemExit) as left:
            cli.main()
        assert left.value.code == 0
        return capsys.readouterr().out

    key = run("keys", "create", "for a test").strip()
    id_ = key.split("_")[2]
    listed = run("keys", "list")
    assert id_ in listed
    assert "for a test" in listed
    assert key not in listed
    limited = run(
        "keys", "create", "bounded", "--scope", "calls", "--scope", "contacts:read", "--expires", "30d"
    )
    listed = run("keys", "list")
    assert limited.split("_")[2] in listed
    assert "contacts:read calls" in listed
    assert "'flying' is not known" in fails_with(monkeypatch, capsys, "keys", "create", "--scope", "flying")
    assert "is revoked" in run("keys", "revoke", id_)
    assert "could be revoked" in fails_with(monkeypatch, capsys, "keys", "revoke", id_)
