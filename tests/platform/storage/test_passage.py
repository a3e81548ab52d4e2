"""One user gets through closed folders, and sees nothing in them."""

import os
import subprocess
from pathlib import Path

import pytest

from trunkline.platform.storage.passage import let_through

NOBODY = 65534

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="needs root, to act as another user")


def _as_nobody(*command: str, uid: int = NOBODY) -> bool:
    done = subprocess.run(
        command, user=uid, group=uid, extra_groups=[], cwd="/", capture_output=True, check=False
    )
    return done.returncode == 0


def _closed(tmp_path: Path) -> Path:
    """A file that all may read, below folders that are closed to others."""
    target = tmp_path / "closed" / "closed too" / "program"
    target.parent.mkdir(parents=True, mode=0o700)
    (tmp_path / "closed").chmod(0o750)
    target.write_text("")
    target.chmod(0o644)
    return target


def test_the_way_is_open_to_one_user_only(tmp_path: Path) -> None:
    target = _closed(tmp_path)
    assert not _as_nobody("cat", str(target))
    let_through(target, NOBODY)
    let_through(target, NOBODY)
    assert _as_nobody("cat", str(target))
    assert not _as_nobody("ls", str(target.parent))
    assert not _as_nobody("touch", str(target.parent / "new"))
    assert not _as_nobody("cat", str(target), uid=NOBODY - 1)


def test_an_entry_that_was_there_stays(tmp_path: Path) -> None:
    target = _closed(tmp_path)
    let_through(target, NOBODY - 1)
    let_through(target, NOBODY)
    assert _as_nobody("cat", str(target))
    assert _as_nobody("cat", str(target), uid=NOBODY - 1)


def test_open_folders_are_not_touched(tmp_path: Path) -> None:
    target = _closed(tmp_path)
    for folder in (target.parent, target.parent.parent):
        folder.chmod(0o755)
    let_through(target, NOBODY)
    for folder in (target.parent, target.parent.parent):
        assert "system.posix_acl_access" not in os.listxattr(folder)
        assert folder.stat().st_mode & 0o777 == 0o755
