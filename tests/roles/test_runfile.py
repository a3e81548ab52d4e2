"""The run file and the lock of a home."""

import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from trunkline.errors import SetupError
from trunkline.roles import runfile

STATE = runfile.RunState(
    pid=os.getpid(),
    api_url="http://127.0.0.1:8000",
    sip_address="127.0.0.1:5060",
    voice_url="http://127.0.0.1:8010",
    database_url="postgresql://trunkline@/trunkline",
    llm_url="http://127.0.0.1:9000/v1",
    llm_embedded=True,
)


def test_written_whole_and_private_and_read_back(tmp_path: Path) -> None:
    with runfile.HomeLock(tmp_path):
        runfile.write(tmp_path, STATE)
        assert runfile.read(tmp_path) == STATE
        path = tmp_path / "run" / "trunkline.json"
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
        assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
        assert sorted(each.name for each in path.parent.iterdir()) == ["lock", "trunkline.json"]


def test_nothing_runs_where_nothing_was_started(tmp_path: Path) -> None:
    assert runfile.read(tmp_path) is None
    assert runfile.lock_owner(tmp_path) is None


def test_the_file_of_a_killed_platform_counts_as_none(tmp_path: Path) -> None:
    runfile.write(tmp_path, STATE)
    assert runfile.read(tmp_path) is None


def test_a_damaged_file_is_named(tmp_path: Path) -> None:
    (runfile.run_folder(tmp_path) / "trunkline.json").write_text("{")
    with pytest.raises(SetupError, match=r"trunkline\.json cannot be read"):
        runfile.read(tmp_path)


def test_a_second_platform_of_the_same_home_is_refused_by_pid(tmp_path: Path) -> None:
    code = (
        "import sys, pathlib\nfrom trunkline.roles.runfile import HomeLock\n"
        "with HomeLock(pathlib.Path(sys.argv[1])):\n print('held', flush=True); sys.stdin.read()\n"
    )
    command = [sys.executable, "-c", code, str(tmp_path)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as other:
        assert other.stdout is not None
        other.stdout.readline()
        assert runfile.lock_owner(tmp_path) == other.pid
        with pytest.raises(SetupError, match=f"process {other.pid} already runs trunkline"):
            runfile.HomeLock(tmp_path).__enter__()
        other.kill()
        other.wait()
    with runfile.HomeLock(tmp_path):  # the kernel let go of it
        assert runfile.lock_owner(tmp_path) == os.getpid()
