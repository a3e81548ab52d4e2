"""`trunkline simulate generate`: a suite for an agent in a YAML file, its cases written by the language model."""

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import yaml
from rich.console import Console

from trunkline.errors import BadInput, ProviderError, Unavailable
from trunkline.resources.simulations import writing
from trunkline.resources.simulations.persona import Temper
from trunkline.resources.simulations.schemas import SimulationTest
from trunkline.resources.simulations.suite_file import read_agent, read_suite
from trunkline.resources.simulations.trials import Subject
from trunkline.resources.simulations.writing import Described, Written
from trunkline.roles.simulate.command import Exit
from trunkline.roles.simulate.mind import thinker
from trunkline.settings import Settings


def tests_of(names: Sequence[str]) -> list[SimulationTest]:
    """The kinds of these names, all for none. Raises BadInput."""
    unknown = next((name for name in names if name not in list(SimulationTest)), None)
    if unknown is not None:
        raise BadInput(f"--test {unknown}: there are {', '.join(SimulationTest)}")
    return [SimulationTest(name) for name in names] or list(SimulationTest)


def new_suite(agent: Path, to: Path | None) -> Path:
    """The file to write, `suite.yaml` beside the agent where none is named. Raises BadInput when it is there."""
    suite = to or agent.parent / "suite.yaml"
    if suite.exists():
        raise BadInput(f"{suite}: is there already; name another file with --to")
    return suite


async def generate(
    settings: Settings,
    agent: Path,
    suite: Path,
    tests: Sequence[SimulationTest],
    script: Path | None,
    terminal: Console,
) -> Exit:
    """Write a suite beside an agent, a case for each kind and for each thing that the agent can do.

    Raises BadInput when the agent cannot be read, or the suite not written.
    """
    body = read_agent(agent)
    subject = Subject.of(body)
    described = Described.of(subject.row, subject.tools)
    wishes = writing.wishes(described, tests)
    found: dict[str, Written] = {}
    async with thinker(settings, script) as model:
        for number, wish in enumerate(wishes, 1):
            told = f"{number} of {len(wishes)}  {wish.test}{f': {wish.about}' if wish.about else ''}"
            try:
                written = await writing.write(
                    model, str(subject.row.settings.get("llm") or ""), described, wish, there=tuple(found)
                )
            except (ProviderError, Unavailable) as error:
                terminal.print(f"{told}: {error}", style="red", markup=False, soft_wrap=True)
                continue
            terminal.print(told, markup=False, soft_wrap=True)
            found[_unlike(written.name, found)] = written
    if not found:
        return Exit.ERROR
    _write(suite, _document(body.name, agent, suite, found))
    terminal.print(
        f"{len(found)} cases are in {suite}. Read them, then: trunkline simulate run {suite}",
        markup=False,
        soft_wrap=True,
    )
    return Exit.PASS if len(found) == len(wishes) else Exit.ERROR


def _document(name: str, agent: Path, suite: Path, found: dict[str, Written]) -> dict[str, Any]:
    beside = os.path.relpath(agent.resolve(), suite.resolve().parent)
    return {"name": name, "agent": beside, "cases": [_case(title, each) for title, each in found.items()]}


def _case(name: str, written: Written) -> dict[str, Any]:
    persona: dict[str, Any] = {"goal": written.persona.goal}
    if written.persona.temper is not Temper.CALM:
        persona["temper"] = written.persona.temper.value
    case: dict[str, Any] = {"name": name, "persona": persona}
    if written.rules:
        case["rules"] = [each.model_dump(mode="json", exclude_unset=True) for each in written.rules]
    case["success_criteria"] = list(written.success_criteria)
    # What a tool is for and takes stays the agent's own; transfers go through by themselves.
    answers = {
        tool: {"answers": [{"result": answer.result} for answer in mock.answers]}
        for tool, mock in written.tools.items()
        if not any(answer.transfers_to for answer in mock.answers)
    }
    return case | ({"tools": answers} if answers else {})


def _unlike(name: str, taken: dict[str, Written]) -> str:
    number, free = 1, name
    while free in taken:
        number += 1
        free = f"{name} ({number})"
    return free


def _write(suite: Path, document: dict[str, Any]) -> None:
    try:
        suite.parent.mkdir(parents=True, exist_ok=True)
        suite.write_text(
            yaml.safe_dump(document, sort_keys=False, allow_unicode=True, width=110), encoding="utf-8"
        )
    except OSError as error:
        raise BadInput(
            f"{suite}: cannot be written ({error.strerror}); name another file with --to"
        ) from None
    read_suite(suite)
