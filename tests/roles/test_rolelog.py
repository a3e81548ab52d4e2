"""What the processes print is kept; warnings reach the terminal."""

import io
import json
from pathlib import Path

from rich.console import Console

from trunkline.roles.rolelog import RoleLog


def log_to(folder: Path) -> tuple[RoleLog, io.StringIO]:
    terminal = io.StringIO()
    return RoleLog("voice", folder, Console(file=terminal, width=200)), terminal


def test_every_line_is_kept_and_only_warnings_are_shown(tmp_path: Path) -> None:
    log, terminal = log_to(tmp_path)
    log.feed(json.dumps({"level": "info", "event": "call_started", "call": "1"}).encode() + b"\n")
    log.feed(json.dumps({"level": "warning", "event": "stt_slow", "ms": 900}).encode() + b"\nplain text\n")
    log.close()
    assert len((tmp_path / "voice.log").read_text().splitlines()) == 3
    assert terminal.getvalue().split() == ["voice", "warning:", "stt_slow", "ms=900"]


def test_lines_in_pieces_are_put_together(tmp_path: Path) -> None:
    log, _ = log_to(tmp_path)
    log.feed(b"one ")
    log.feed(b"line\nand a last")
    log.end()
    log.close()
    assert (tmp_path / "voice.log").read_text() == "one line\nand a last\n"
    assert log.last_words() == "one line\nand a last"


def test_markup_in_a_line_is_only_text(tmp_path: Path) -> None:
    log, terminal = log_to(tmp_path)
    log.feed(b'{"level": "error", "event": "[bold]x[/bold]"}\n[1, 2]\n\xff\n')
    log.close()
    assert "[bold]x[/bold]" in terminal.getvalue()
