import socket
import subprocess
import sys
from pathlib import Path


def _start(*arguments: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [sys.executable, "-m", "trunkline.voice.language.local_server", *arguments],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def test_a_taken_port_is_told_in_words(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        ended = _start("--model", str(tmp_path / "none.gguf"), "--port", str(taken.getsockname()[1]))
    assert ended.returncode == 1
    assert "is taken" in ended.stderr
    assert "Traceback" not in ended.stderr


def test_an_absent_and_a_broken_model_are_told_in_words(tmp_path: Path) -> None:
    absent = _start("--model", str(tmp_path / "none.gguf"), "--port", "0")
    assert absent.returncode == 1
    assert "trunkline models pull" in absent.stderr
    broken = tmp_path / "broken.gguf"
    broken.write_bytes(b"GGUF" + bytes(1000))
    ended = _start("--model", str(broken), "--port", "0")
    assert ended.returncode == 1
    assert "cannot be loaded" in ended.stderr
