"""What the trials of a suite have tried of an agent: its actions, its transfers, its prompt and its ways to end."""

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from trunkline.resources.agents.profile import profile_of
from trunkline.resources.agents.schemas import AgentCreate
from trunkline.resources.simulations.happenings import Happenings
from trunkline.resources.simulations.rules import TransferredTo
from trunkline.resources.simulations.suite_file import CaseFile, Suite, within
from trunkline.resources.simulations.trials import Subject, Trial
from trunkline.voice.conversation.events import EndReason

_SENTENCE = re.compile(r"(?<=[.!?])\s+(?=[\"“'(]?[^\W\d_a-z])")
_BULLET = re.compile(r"^\s*(?:[-*•]|\d+[.)])\s+")


@dataclass(frozen=True)
class Part:
    """Something that the agent can do or is told, and in how many trials it mattered."""

    name: str
    runs: int


@dataclass(frozen=True)
class Coverage:
    """Each part of an agent that a suite could try."""

    actions: tuple[Part, ...] = ()
    """Of the agent's own and of those that the suite mocks, the ones that were called."""
    transfers: tuple[Part, ...] = ()
    """Targets that callers were passed to."""
    prompt_rules: tuple[Part, ...] = ()
    """Sentences of the prompt that a case says it is about (`covers`)."""
    end_reasons: tuple[Part, ...] = ()
    """Why talks ended, the agent's own reasons among them."""

    @property
    def groups(self) -> dict[str, tuple[Part, ...]]:
        """By name, as reports show them; those of which the agent has none are left out."""
        found = {
            "actions": self.actions,
            "transfers": self.transfers,
            "prompt rules": self.prompt_rules,
            "end reasons": self.end_reasons,
        }
        return {name: parts for name, parts in found.items() if parts}


def coverage(suite: Suite, agent: AgentCreate, trials: Sequence[Trial]) -> Coverage:
    """Of an agent, by trials that could be made."""
    made = [each for each in trials if each.outcome is not None]
    cases = {case.name: case for case in suite.file.cases}
    own = Subject.of(agent).tools
    actions = [*(each.tool.name for each in own), *_mocked(suite)]
    targets = list(dict.fromkeys([*(to for each in own for to in each.targets.values()), *_targets(suite)]))

    def counted(names: Iterable[str], holds: Callable[[str, Trial], bool]) -> tuple[Part, ...]:
        return tuple(Part(name, sum(holds(name, each) for each in made)) for name in dict.fromkeys(names))

    return Coverage(
        counted(actions, lambda name, each: name in [call.name for call in _happened(each).calls or ()]),
        counted(targets, lambda name, each: name in (_happened(each).transfers or ())),
        counted(
            sentences(str(agent.agent.sent().get("prompt") or "")),
            lambda name, each: covers(cases[each.case], name),
        ),
        counted(
            [*_ends(agent, bool(targets)), *(_ended(each) for each in made)],
            lambda name, each: _ended(each) == name,
        ),
    )


def sentences(prompt: str) -> list[str]:
    """What a prompt tells, one thing each; headings are left out."""
    lines = [_BULLET.sub("", line).strip() for line in _joined(prompt) if not line.lstrip().startswith("#")]
    return [each.strip() for line in lines for each in _SENTENCE.split(line) if each.strip()]


def covers(case: CaseFile, sentence: str) -> bool:
    """Does a case say that it is about a sentence of the prompt?"""
    return any(within(words, sentence) for words in case.covers)


def _joined(prompt: str) -> list[str]:
    """The prompt's lines; one that begins with a small letter goes on where the one before broke off."""
    found: list[str] = []
    for line in prompt.splitlines():
        goes_on = found and found[-1].strip() and line.strip()[:1].islower() and not _BULLET.match(line)
        if goes_on:
            found[-1] = f"{found[-1].rstrip()} {line.strip()}"
        else:
            found.append(line)
    return found


def _happened(trial: Trial) -> Happenings:
    return trial.observed.happened


def _mocked(suite: Suite) -> list[str]:
    return [*suite.file.tools, *(name for case in suite.file.cases for name in case.tools)]


def _targets(suite: Suite) -> list[str]:
    tools = [*suite.file.tools.values(), *(tool for case in suite.file.cases for tool in case.tools.values())]
    mocked = [answer.transfers_to for tool in tools for answer in tool.answers]
    ruled = [
        rule.target for case in suite.file.cases for rule in case.rules if isinstance(rule, TransferredTo)
    ]
    return [target for target in dict.fromkeys([*mocked, *ruled]) if target is not None]


def _ends(agent: AgentCreate, transfers: bool) -> list[str]:
    usual = [EndReason.AGENT_ENDED.value, EndReason.HUMAN_ENDED.value]
    passed_on = [EndReason.TRANSFERRED.value] if transfers else []
    own = [each.reason for each in profile_of(Subject.of(agent).row, {}, {}).end_conditions]
    return [*usual, *passed_on, *own]


def _ended(trial: Trial) -> str:
    """Why: the agent's own reason where it named one."""
    happened = _happened(trial)
    return happened.end_detail or happened.end_reason or ""
