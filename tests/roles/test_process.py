"""Processes are kept alive, with back-off, and stopped when asked."""

import asyncio
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from rich.console import Console

from trunkline.roles.process import BackOff, Process, Program
from trunkline.roles.rolelog import RoleLog

FAST = 0.01


@pytest.fixture
def programs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder whose modules the processes can import."""
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    return tmp_path


def kept(
    folder: Path, code: str, *, stop_within: float | None = 10.0, back_off: BackOff | None = None
) -> Process:
    (folder / "fake_role.py").write_text(code)
    output = RoleLog("fake", folder / "logs", Console(quiet=True))
    program = Program("fake", "fake_role", (str(folder),), stop_within=stop_within)
    return Process(program, os.environ, output, back_off or BackOff(first=FAST, longest=FAST))


async def eventually(condition: Callable[[], bool]) -> None:
    """Wait for what another process does."""
    for _ in range(6000):
        if condition():
            return
        await asyncio.sleep(0.01)
    raise AssertionError("it never happened")


def holds(path: Path, text: str) -> bool:
    return path.exists() and text in path.read_text()


NOTES_STARTS = """
import os, sys, time
with open(sys.argv[1] + "/starts", "a") as file:
    file.write(f"{os.getpid()}\\n")
"""
STAYS = NOTES_STARTS + "time.sleep(600)\n"
STUBBORN = """
import signal, sys, time
signal.signal(signal.SIGTERM, signal.SIG_IGN)
open(sys.argv[1] + "/starts", "w").write("deaf")
time.sleep(600)
"""


def starts(folder: Path) -> list[str]:
    path = folder / "starts"
    return path.read_text().split() if path.exists() else []


def test_back_off_doubles_to_its_limit_and_forgets_after_a_long_life() -> None:
    back_off = BackOff(first=0.5, longest=4.0, well_after=60.0)
    assert [back_off.after(1.0) for _ in range(5)] == [0.5, 1.0, 2.0, 4.0, 4.0]
    assert back_off.after(61.0) == 0.5
    assert back_off.after(1.0) == 1.0


async def test_a_process_that_dies_is_started_again(programs: Path) -> None:
    process = kept(programs, STAYS)
    process.start()
    await eventually(lambda: holds(programs / "starts", "\n"))
    first = process.pid
    assert first is not None
    os.kill(first, signal.SIGKILL)
    await eventually(lambda: len(starts(programs)) == 2)
    assert process.starts == 2
    assert process.pid not in (None, first)
    await process.stop()
    assert process.pid is None


async def test_one_that_never_comes_up_is_named_with_its_last_words(programs: Path) -> None:
    process = kept(programs, "import sys\nprint('no such voice')\nsys.exit(3)\n")
    process.start()
    await eventually(lambda: process.failed_to_start() is not None)
    error = process.failed_to_start()
    assert "fake does not start" in str(error)
    assert "no such voice" in str(error)
    await process.stop()


async def test_one_that_says_why_is_quoted_in_one_line(programs: Path) -> None:
    said = "print('{\"event\": \"begun\"}')\nprint('trunkline: no such port; mend it')\n"
    process = kept(programs, f"import sys\n{said}sys.exit(1)\n")
    process.start()
    await eventually(lambda: process.failed_to_start() is not None)
    assert str(process.failed_to_start()) == "fake does not start: no such port; mend it"
    await process.stop()


async def test_one_that_ignores_sigterm_is_killed(programs: Path) -> None:
    process = kept(programs, STUBBORN, stop_within=0.1)
    process.start()
    await eventually(lambda: holds(programs / "starts", "deaf"))
    await process.stop()
    assert process.pid is None
    assert process.starts == 1


async def test_it_is_not_started_again_while_it_stops(programs: Path) -> None:
    process = kept(programs, STAYS, back_off=BackOff(first=600.0))
    process.start()
    await eventually(lambda: holds(programs / "starts", "\n"))
    assert process.pid is not None
    os.kill(process.pid, signal.SIGKILL)
    await eventually(lambda: process.pid is None)
    async with asyncio.timeout(30):
        await process.stop()  # does not sit out the ten minutes of back-off
    assert len(starts(programs)) == 1


async def test_its_output_is_kept(programs: Path) -> None:
    process = kept(programs, STAYS.replace("time.sleep", "print('at work', flush=True); time.sleep"))
    process.start()
    await eventually(lambda: holds(programs / "logs" / "fake.log", "at work"))
    await process.stop()


def test_a_leashed_process_ends_with_its_supervisor(programs: Path) -> None:
    (programs / "fake_role.py").write_text("import time\nprint('up', flush=True)\ntime.sleep(600)\n")
    command = [sys.executable, "-m", "trunkline.roles.leash", "fake", "0", "fake_role"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        assert process.stdout.readline() == b"up\n"
        process.stdin.close()  # as the kernel does when the supervisor dies
        assert process.wait(timeout=30) == -signal.SIGTERM


def test_a_leashed_process_is_as_nice_as_it_is_told(programs: Path) -> None:
    (programs / "fake_role.py").write_text("import os, sys\nprint(os.nice(0), *sys.argv[1:])\n")
    command = [sys.executable, "-m", "trunkline.roles.leash", "fake", "7", "fake_role", "a", "b"]
    expected = min(os.nice(0) + 7, 19)
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stdout.read().decode().split() == [str(expected), "a", "b"]
