"""What the documents say about the code is so."""

import re
import tomllib
from pathlib import Path

import pytest

from trunkline.settings import Settings

ROOT = Path(__file__).parent.parent


def test_each_dependency_has_its_reason() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    text = (ROOT / "docs" / "dependencies.md").read_text()
    wanted = [*project["dependencies"], *project["optional-dependencies"]["dev"]]
    names = {re.split(r"[\[>=]", each)[0].removeprefix("types-") for each in wanted}
    assert [name for name in sorted(names) if not re.search(rf"\b{re.escape(name)}\b", text)] == []


def test_the_readme_begins_with_the_two_commands() -> None:
    commands = re.findall(r"^    make (\w+)", (ROOT / "README.md").read_text(), re.MULTILINE)
    assert commands[:2] == ["run", "test"]


@pytest.mark.parametrize("document", ["README.md", "CONTRIBUTING.md", "docs/architecture.md"])
def test_settings_and_paths_that_are_named_exist(document: str) -> None:
    text = (ROOT / document).read_text()
    aliases = {str(field.validation_alias.choices[0]) for field in Settings.model_fields.values()}  # type: ignore[union-attr]
    named = set(re.findall(r"\bTRUNKLINE_[A-Z_]+|\bDATABASE_URL\b", text))
    assert sorted(named - aliases) == []
    links: list[str] = re.findall(r"\]\(([^)#:]+)\)", text)
    assert [link for link in links if not (ROOT / document).parent.joinpath(link).exists()] == []
    modules = re.findall(r"`((?:roles|host|voice|resources|platform)/[\w/.]+)`", text)
    assert [name for name in modules if not (ROOT / "src" / "trunkline" / name).exists()] == []
