"""The tests that tables of documents name exist."""

import re
from pathlib import Path

import pytest

from trunkline.resources.agents.settings import AgentSettings

ROOT = Path(__file__).parent.parent


@pytest.mark.parametrize(
    "document",
    ["settings.md", "sip-transfer.md", "actions.md", "after-the-call.md", "memory-and-knowledge.md"],
)
def test_each_test_that_proves_something_exists(document: str) -> None:
    text = (ROOT / "docs" / document).read_text()
    named = re.findall(r"`(tests/[\w/.]+\.py)(?:::(\w+))?`", text)
    assert len(named) > 10
    missing = [
        f"{file}::{name}"
        for file, name in named
        if not (ROOT / file).exists() or (name and f"def {name}(" not in (ROOT / file).read_text())
    ]
    assert missing == []


def test_no_row_is_without_a_test() -> None:
    rows = re.findall(
        r"^\| (?!setting \||-)(.+) \|$", (ROOT / "docs" / "settings.md").read_text(), re.MULTILINE
    )
    assert [
        row for row in rows if not row.startswith("---") and "`tests/" not in row.rsplit("|", 1)[-1]
    ] == []


def test_each_setting_of_an_agent_is_told() -> None:
    text = (ROOT / "docs" / "settings.md").read_text()
    assert [name for name in AgentSettings.model_fields if f"`agent.{name}`" not in text] == []
