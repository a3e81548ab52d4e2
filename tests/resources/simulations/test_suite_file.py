"""Suites in YAML: what may be in them, and how what is wrong is told."""

from pathlib import Path

import pytest

from trunkline.errors import BadInput
from trunkline.resources.agents.schemas import AgentCreate
from trunkline.resources.simulations.located import read
from trunkline.resources.simulations.suite_file import MockedTool, read_suite

GOOD = """\
agent:
  type: inbound
  name: Desk
  agent: {prompt: Help.}
tools:
  book: {parameters: {day: A day, size: [small, large]}}
cases:
  - name: Books
    persona: {goal: You want a table.}
    rules:
      - {rule: called, action: book}
"""


def written(folder: Path, text: str) -> Path:
    path = folder / "suite.yaml"
    path.write_text(text)
    return path


def refused(folder: Path, text: str) -> str:
    path = written(folder, text)
    with pytest.raises(BadInput) as told:
        read_suite(path)
    return str(told.value).replace(f"{path}:", "")


def test_a_suite_is_read(tmp_path: Path) -> None:
    suite = read_suite(written(tmp_path, GOOD))
    assert suite.name == "suite"
    assert isinstance(suite.agent, AgentCreate)
    [case] = suite.file.cases
    assert suite.runs(case) == 1
    tool = suite.planned(case, 1, 0).case.tools["book"].tool("book")
    assert tool.parameters["properties"] == {
        "day": {"type": "string", "description": "A day"},
        "size": {"type": "string", "enum": ["small", "large"]},
    }


def test_an_agent_of_a_file_beside_it(tmp_path: Path) -> None:
    (tmp_path / "agent.yaml").write_text("type: inbound\nname: Desk\nagent:\n  language: tlh\n")
    text = "agent: agent.yaml\n" + GOOD[GOOD.index("tools:") :]
    with pytest.raises(BadInput, match=r"agent\.yaml:4: agent\.language: "):
        read_suite(written(tmp_path, text))
    (tmp_path / "agent.yaml").unlink()
    assert refused(tmp_path, text).startswith("1: agent: there is no file ")


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ("goal:", "gaol:", "9: cases.0.persona.gaol: there is no such key"),
        ("    persona: {goal: You want a table.}\n", "", "8: cases.0.persona: is missing"),
        ("rule: called", "rule: calls", "11: cases.0.rules.0: input tag 'calls'"),
        ("action: book}", "acton: book}", "11: cases.0.rules.0.called.action: is missing"),
        ("name: Books", "name: [", "this is no YAML"),
        ("type: inbound", "type: inward", "2: agent.type: input should be 'outbound'"),
        (
            "rules:\n      - {rule: called, action: book}",
            "rules: []",
            "8: cases.0: a case needs rules or success_criteria",
        ),
        ("name: Desk", "name: Desk\n  name: Desk", "4: name is there twice"),
        (
            "rule: called, action: book",
            "rule: said, pattern: '('",
            "cases.0.rules.0.said.pattern: '(' is no regular expression",
        ),
    ],
)
def test_what_is_wrong_is_told_with_line_and_remedy(tmp_path: Path, old: str, new: str, told: str) -> None:
    assert old in GOOD
    assert told in refused(tmp_path, GOOD.replace(old, new))


def test_two_cases_of_one_name_are_refused(tmp_path: Path) -> None:
    assert "two cases are called 'Books'" in refused(tmp_path, GOOD + GOOD[GOOD.index("  - name") :])


def test_no_file_is_told(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match=r"nothing\.yaml: cannot be read .*; name a YAML file"):
        read_suite(tmp_path / "nothing.yaml")


def test_only_plain_values_are_not_text(tmp_path: Path) -> None:
    text = "[2026-03-01, 10:30, +15125550170, 0123, yes, true, 7, -1.5, null, 1_000]"
    assert read(written(tmp_path, text)).value == [
        "2026-03-01", "10:30", "+15125550170", "0123", "yes", True, 7, -1.5, None, "1_000",
    ]  # fmt: skip


def test_a_tag_makes_no_object(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="this is no YAML"):
        read(written(tmp_path, "!!python/object/apply:os.getcwd []"))


def test_a_tool_says_done_where_nothing_is_written() -> None:
    assert MockedTool().answers[0].result == "Done."


def test_a_case_is_about_words_that_the_prompt_has(tmp_path: Path) -> None:
    told = refused(tmp_path, GOOD + '    covers: ["help.", wait]\n')
    assert told == "12: cases.0.covers.1: the agent's prompt has no words 'wait'"
