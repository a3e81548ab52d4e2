"""`trunkline simulate generate`: a suite that is written can be read and run."""

import json
import shlex
import sys
from pathlib import Path

import pytest

from trunkline import cli
from trunkline.resources.simulations.suite_file import read_suite

RESTAURANT = Path(__file__).parents[2] / "examples/restaurant/agent.yaml"
CASE = {
    "name": "Party",
    "persona": "You are twelve.",
    "temper": "angry",
    "success_criteria": ["The agent passes them on."],
    "must_call": ["manager"],
    "results": {"book_table": "no table is free"},
}


@pytest.fixture(autouse=True)
def _folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "agent.yaml").write_text(RESTAURANT.read_text())
    (tmp_path / "script.json").write_text(
        json.dumps({"llm": {"rules": [{"pattern": "Write one case", "text": json.dumps(CASE)}]}})
    )
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("TRUNKLINE_HOME", str(tmp_path / "home"))


def status(monkeypatch: pytest.MonkeyPatch, command: str) -> int:
    monkeypatch.setattr(sys, "argv", ["trunkline", *shlex.split(command)])
    with pytest.raises(SystemExit) as left:
        cli.main()
    assert isinstance(left.value.code, int)
    return left.value.code


def test_a_suite_comes_of_an_agent(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    command = "simulate generate agent.yaml --script script.json --test angry_user --test task_completion"
    assert status(monkeypatch, command) == 0
    assert "3 cases are in suite.yaml" in capsys.readouterr().out
    suite = read_suite(Path("suite.yaml"))
    assert [case.name for case in suite.file.cases] == ["Party", "Party (2)", "Party (3)"]
    case = suite.file.cases[0]
    assert (case.persona.goal, case.persona.temper.value) == ("You are twelve.", "angry")
    assert [rule.model_dump(exclude_unset=True) for rule in case.rules] == [
        {"rule": "transferred_to", "target": "+13125550120"}
    ]
    assert case.success_criteria == ("The agent passes them on.",)
    assert list(case.tools) == ["book_table"]
    assert case.tools["book_table"].answers[0].result == "no table is free"


@pytest.mark.parametrize(
    ("command", "told"),
    [
        ("agent.yaml --to agent.yaml", "is there already"),
        ("agent.yaml --test speed", "there are csat_score"),
        ("nothing.yaml", "cannot be read"),
        ("agent.yaml --to none/suite.yaml --test csat_score --script unlike.json", "is not of its schema"),
    ],
    ids=["there", "kind", "agent", "model"],
)
def test_what_cannot_be_written_is_status_2(
    command: str, told: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    unlike = {"llm": {"rules": [{"pattern": "Write one case", "text": '{"name": "X"}'}]}}
    Path("unlike.json").write_text(json.dumps(unlike))
    assert status(monkeypatch, f"simulate generate {command}") == 2
    shown = capsys.readouterr()
    assert told in shown.out + shown.err
    assert not Path("suite.yaml").exists()
