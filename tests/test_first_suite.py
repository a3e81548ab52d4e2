"""The page for newcomers does what it says, word by word, and shows what they see."""

import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from trunkline import cli

PAGE = (Path(__file__).parent.parent / "docs" / "first-suite.md").read_text()
BLOCKS: list[str] = re.findall(r"^```sh\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
COMMAND = re.compile(r"^trunkline (.*?)  # status (\d)$", re.MULTILINE)


def status(command: str, monkeypatch: pytest.MonkeyPatch) -> int:
    monkeypatch.setattr(sys, "argv", ["trunkline", *shlex.split(command)])
    with pytest.raises(SystemExit) as left:
        cli.main()
    assert isinstance(left.value.code, int)
    return left.value.code


def test_what_is_typed_does_what_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("TRUNKLINE_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("COLUMNS", "160")
    monkeypatch.delenv("TRUNKLINE_LLM_BASE_URL", raising=False)
    monkeypatch.chdir(tmp_path)
    printed = []
    for block in BLOCKS:
        subprocess.run(["bash", "-ec", COMMAND.sub("", block)], check=True)
        monkeypatch.chdir(tmp_path / "pizzeria")
        for command, expected in COMMAND.findall(block):
            assert status(command, monkeypatch) == int(expected)
            printed.append(capsys.readouterr().out)
    assert [expected for _, expected in COMMAND.findall(PAGE)] == ["1", "0", "0", "0"]
    assert sorted(each.name for each in Path("report").iterdir()) == [
        "index.html",
        "recordings",
        "voice.html",
    ]

    [shown] = re.findall(r"((?:^    (?:fail|        ).*\n)+)", PAGE, re.MULTILINE)
    said = " ".join(printed[0].split())
    assert [line for line in shown.splitlines() if " ".join(line.split()) not in said] == []


def test_the_other_commands_are_known() -> None:
    makefile = (Path(__file__).parent.parent / "Makefile").read_text()
    targets = re.findall(r"^    make (\w+)", PAGE, re.MULTILINE)
    assert targets == ["install"]
    assert [each for each in targets if not re.search(rf"^{each}:", makefile, re.MULTILINE)] == []
