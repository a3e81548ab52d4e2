"""What a run leaves so that it can be made again, by anybody and without asking anybody: a folder.

run.json        who ran what, and with which version of the agent
suite.yaml      the suite as it was run, its agent in it
against.yaml    the other version of the agent, if there was one
answers/        what providers answered, by the content of what they were asked, and when
failures/       where they failed instead
recordings/     the calls that had sound
result.json     what came of it
"""

import hashlib
import json
import re
import shutil
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from trunkline import __version__
from trunkline.errors import BadInput, NotFound
from trunkline.resources.simulations import located
from trunkline.resources.simulations.document import document
from trunkline.resources.simulations.results import SuiteResult
from trunkline.resources.simulations.suite_file import read_agent, read_suite
from trunkline.roles.simulate.plan import Plan, Speech, Version
from trunkline.voice.answers import Answers, FolderStore

FORMAT = 1
_NO_NAME = re.compile(r"[^\w-]+")


@dataclass(frozen=True)
class SpeechFacts:
    """What of the parts of speech decides a call besides their answers."""

    ours_rate: int = 0
    """Samples a second of the agent's voice."""
    theirs_rate: int = 0
    thinking_deadline: float = 0.0


class RunFolder:
    """One run's."""

    def __init__(self, path: Path) -> None:
        self.path = path

    @classmethod
    def found(cls, runs: Path, name: str) -> "RunFolder":
        """A run by its name under `runs`, or by its folder. Raises NotFound."""
        for path in (Path(name), runs / name):
            if (path / "run.json").is_file():
                return cls(path)
        known = sorted(each.parent.name for each in runs.glob("*/run.json"))
        there = f"; there are: {', '.join(known)}" if known else f" under {runs}"
        raise NotFound(f"there is no run {name!r}{there}")

    def begin(self, plan: Plan, fresh: bool) -> None:
        """Ready for a run; what failed before may be asked again, and with `fresh` everything. Raises BadInput."""
        try:
            for name in ("answers", "failures", "recordings") if fresh else ("failures", "recordings"):
                shutil.rmtree(self.path / name, ignore_errors=True)
            self.path.mkdir(parents=True, exist_ok=True)
            self._write("suite.yaml", _text(plan.raw))
            if plan.against is not None:
                self._write("against.yaml", _text(plan.against.raw))
        except OSError as error:
            raise BadInput(f"{self.path}: cannot be written ({error.strerror}); set TRUNKLINE_HOME") from None

    def describe(self, plan: Plan, facts: SpeechFacts) -> None:
        """Say what is run."""
        told = {
            "format": FORMAT,
            "trunkline": __version__,
            "suite": plan.suite.name,
            "level": plan.level.value,
            "seed": plan.suite.file.seed,
            "agent_version": _digest(plan.raw["agent"]),
            "against": plan.against
            and {"name": plan.against.name, "agent_version": _digest(plan.against.raw)},
            "speech": plan.speech.value,
            "mind": plan.mind,
            "speech_facts": asdict(facts),
        }
        self._write("run.json", _text(told))

    def plan(self) -> tuple[Plan, SpeechFacts]:
        """What was run. Raises BadInput."""
        told = json.loads((self.path / "run.json").read_text(encoding="utf-8"))
        if told["format"] != FORMAT:
            raise BadInput(f"{self.path}: another version of trunkline ({told['trunkline']}) wrote this run")
        against = None
        if told["against"]:
            path = self.path / "against.yaml"
            against = Version(told["against"]["name"], read_agent(path), located.read(path).value)
        path = self.path / "suite.yaml"
        plan = Plan(read_suite(path), located.read(path).value, against, Speech(told["speech"]), told["mind"])
        return plan, SpeechFacts(**told["speech_facts"])

    def answers(self, asks: bool) -> Answers:
        """Kept answers; `asks`: what is not kept is asked for, otherwise nobody is asked anything."""
        return Answers(
            FolderStore(self.path / "answers"), failures=FolderStore(self.path / "failures"), asks=asks
        )

    def finish(self, result: SuiteResult) -> None:
        """Keep what came of it."""
        self._write("result.json", rendered(result))
        for place, sound in recordings(result).items():
            path = self.path / "recordings" / place
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(sound)

    @property
    def result(self) -> bytes:
        """What came of the run, as its JSON. Raises BadInput where it never ended."""
        try:
            return (self.path / "result.json").read_bytes()
        except FileNotFoundError:
            raise BadInput(f"{self.path}: this run did not end; run it again") from None

    def _write(self, name: str, text: bytes) -> None:
        (self.path / name).write_bytes(text)


def rendered(result: SuiteResult) -> bytes:
    """A result as the text of its JSON; equal for equal runs."""
    return _text(document(result))


def recordings(result: SuiteResult, version: str = "") -> dict[str, bytes]:
    """The calls that had sound, each with the place of its file."""
    found = {
        f"{version}{_NO_NAME.sub('-', trial.case).strip('-')}-{trial.number}.wav": trial.observed.wav
        for case in result.cases
        for trial in case.trials
        if trial.observed.wav
    }
    return found if result.against is None else found | recordings(result.against, "against/")


def _text(value: Any) -> bytes:
    return (json.dumps(value, ensure_ascii=False, indent=1) + "\n").encode()


def _digest(agent: Any) -> str:
    return hashlib.sha256(json.dumps(agent, sort_keys=True, ensure_ascii=False).encode()).hexdigest()[:12]
