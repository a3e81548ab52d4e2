"""What a command line asks for, made whole: all that decides how a run comes out, and so its name."""

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from pathlib import Path
from typing import Any

from trunkline.errors import BadInput
from trunkline.resources.agents.schemas import AgentCreate
from trunkline.resources.simulations import located
from trunkline.resources.simulations.suite_file import AgentName, Level, Suite, read_agent, read_suite

_NAME = re.compile(r"[^a-z0-9]+")


class Speech(StrEnum):
    """What a call with sound is heard and spoken with."""

    TONES = "tones"
    """Tones that carry the words: instant, the same everywhere, no model is loaded."""
    REAL = "real"
    """What the settings name, as on a platform: endpoints, or the local models."""


@dataclass(frozen=True)
class Reports:
    """Where to write what came of a run; None: nowhere."""

    junit: Path | None = None
    json: Path | None = None
    html: Path | None = None


@dataclass(frozen=True)
class Wanted:
    """What the command line asked for. None: as the suite says, or no such file."""

    suite: Path
    level: Level | None = None
    repeats: int | None = None
    seed: int | None = None
    cases: tuple[str, ...] = ()
    """Names; () for all."""
    against: Path | None = None
    """Another version of the agent, as YAML."""
    script: Path | None = None
    """The answers of a scripted model in place of a real one, as JSON."""
    speech: Speech | None = None
    at_once: int = 1
    fresh: bool = False
    """What was answered in the same run before counts for nothing."""
    reports: Reports = Reports()


@dataclass(frozen=True)
class Version:
    """One version of the agent."""

    name: str
    body: AgentCreate
    raw: Mapping[str, Any]
    """As it was written."""


@dataclass(frozen=True)
class Plan:
    """A run that can be made, and made again."""

    suite: Suite
    raw: Mapping[str, Any]
    """The suite as it is run: its agent, seed, level and cases written out."""
    against: Version | None
    speech: Speech
    mind: str
    """Who thinks: the digest of a script, or an endpoint's address."""

    @property
    def level(self) -> Level:
        """How much of the calls is simulated."""
        return self.suite.file.level

    @property
    def id(self) -> str:
        """The same for the same run, another for any other."""
        other = self.against.raw if self.against else None
        whole = json.dumps(
            [self.raw, other, self.speech.value, self.mind], sort_keys=True, ensure_ascii=False
        )
        name = _NAME.sub("-", self.suite.name.lower()).strip("-")[:40] or "suite"
        return f"{name}-{hashlib.sha256(whole.encode()).hexdigest()[:10]}"


def planned(wanted: Wanted, mind: str) -> Plan:
    """As the suite's file says, with what the command line says in its place. Raises BadInput."""
    suite = read_suite(wanted.suite)
    names = [case.name for case in suite.file.cases]
    unknown = next((name for name in wanted.cases if name not in names), None)
    if unknown is not None:
        raise BadInput(f"{wanted.suite}: there is no case {unknown!r}; there are: {', '.join(names)}")
    raw = _whole(suite, wanted)
    chosen = [case for case in suite.file.cases if case.name in [each["name"] for each in raw["cases"]]]
    changes: dict[str, Any] = {"level": Level(raw["level"]), "seed": raw["seed"]}
    if wanted.repeats is not None:
        chosen = [case.model_copy(update={"repeats": wanted.repeats}) for case in chosen]
    changes["cases"] = tuple(chosen)
    suite = replace(suite, file=suite.file.model_copy(update=changes))
    against = None
    if wanted.against is not None:
        body = read_agent(wanted.against)
        against = Version(f"{body.name} ({wanted.against})", body, located.read(wanted.against).value)
    tones = wanted.script is not None and suite.file.level is not Level.LINE
    speech = wanted.speech or (Speech.TONES if tones else Speech.REAL)
    if suite.file.level is Level.LINE and any(case.tools or case.state for case in suite.file.cases):
        raise BadInput(f"{wanted.suite}: mocked tools do not exist on a real line; use --level text or voice")
    return Plan(suite, raw, against, speech, mind)


def _whole(suite: Suite, wanted: Wanted) -> dict[str, Any]:
    """The suite's document with everything in it."""
    raw: dict[str, Any] = located.read(wanted.suite).value
    agent = raw["agent"]
    if isinstance(agent, str):
        agent = located.read(wanted.suite.parent / agent).value
    cases = [
        {**case, "repeats": wanted.repeats} if wanted.repeats is not None else case
        for case in raw["cases"]
        if not wanted.cases or case["name"] in wanted.cases
    ]
    return {
        **raw,
        "name": suite.name,
        "agent": agent,
        "level": (wanted.level or suite.file.level).value,
        "seed": suite.file.seed if wanted.seed is None else wanted.seed,
        "cases": cases,
    }


def level(name: str | None) -> Level | None:
    """The level of that name. Raises BadInput."""
    if name is None:
        return None
    try:
        return Level(name)
    except ValueError:
        raise BadInput(f"--level {name}: there are {', '.join(Level)}") from None


def speech(name: str | None) -> Speech | None:
    """The speech of that name. Raises BadInput."""
    if name is None:
        return None
    try:
        return Speech(name)
    except ValueError:
        raise BadInput(f"--speech {name}: there are {', '.join(Speech)}") from None


def version(suite: Suite) -> AgentCreate | None:
    """The agent's body where the suite has it."""
    return None if isinstance(suite.agent, AgentName) else suite.agent
