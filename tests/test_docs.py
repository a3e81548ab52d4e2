"""What the documents say about the code is so."""

import re
import tomllib
from hashlib import sha256
from pathlib import Path

import pytest
import yaml

from trunkline.roles.description import document
from trunkline.settings import Settings

ROOT = Path(__file__).parent.parent
OF_THE_SUITE = {"TRUNKLINE_REQUIRE_PEERS", "TRUNKLINE_FUZZ_EXAMPLES", "TRUNKLINE_FUZZ_SEED"}
"""Settings of the tests, not of the product."""


def test_each_dependency_has_its_reason() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    text = (ROOT / "docs" / "dependencies.md").read_text()
    wanted = [*project["dependencies"], *project["optional-dependencies"]["dev"]]
    names = {re.split(r"[\[>=]", each)[0].removeprefix("types-") for each in wanted}
    assert [name for name in sorted(names) if not re.search(rf"\b{re.escape(name)}\b", text)] == []


def test_the_readme_begins_with_the_two_commands() -> None:
    commands = re.findall(r"^    make (\w+)", (ROOT / "README.md").read_text(), re.MULTILINE)
    assert commands[:2] == ["run", "test"]


@pytest.mark.parametrize(
    "document", ["README.md", "CONTRIBUTING.md", "docs/architecture.md", "docs/compatibility.md"]
)
def test_settings_and_paths_that_are_named_exist(document: str) -> None:
    text = (ROOT / document).read_text()
    aliases = {str(field.validation_alias.choices[0]) for field in Settings.model_fields.values()}  # type: ignore[union-attr]
    named = set(re.findall(r"\bTRUNKLINE_[A-Z_]+|\bDATABASE_URL\b", text))
    assert sorted(named - aliases - OF_THE_SUITE) == []
    links: list[str] = re.findall(r"\]\(([^)#:]+)\)", text)
    assert [link for link in links if not (ROOT / document).parent.joinpath(link).exists()] == []
    modules = re.findall(r"`((?:roles|host|voice|resources|platform)/[\w/.]+)`", text)
    assert [name for name in modules if not (ROOT / "src" / "trunkline" / name).exists()] == []


def test_compatibility_lists_every_operation() -> None:
    contract = yaml.safe_load((ROOT / "tests/resources/contract/openapi.yaml").read_text())
    text = (ROOT / "docs" / "compatibility.md").read_text()
    operations = [
        f"`{method.upper()} {path}`"
        for path, methods in contract["paths"].items()
        for method in methods
        if method in ("get", "post", "put", "patch", "delete")
    ]
    assert len(operations) == 121
    assert [each for each in operations if text.count(f"| {each} |") != 1] == []


def test_the_dashboards_client_is_of_this_description() -> None:
    folder = ROOT / "dashboard"
    kept = (folder / "openapi.json").read_text()
    assert kept == document(), "the API has changed: run `make client` and commit what it made"
    made_from = (folder / "src" / "client" / "openapi.sha256").read_text().strip()
    assert made_from == sha256(kept.encode()).hexdigest(), "run `make client` and commit what it made"
