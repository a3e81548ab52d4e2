"""What calls have tried of an agent: its actions, its transfers, its prompt and its ways to end."""

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from trunkline.resources.agents.profile import profile_of
from trunkline.resources.simulations.happenings import Happenings
from trunkline.resources.simulations.rules import TransferredTo
from trunkline.resources.simulations.suite_file import Case, within
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


def coverage(subject: Subject, tried: Sequence[tuple[Case, Trial]]) -> Coverage:
    """Of an agent, by the calls of its cases; those that could not be made have tried nothing."""
    cases = [case for case, _ in tried]
    made = [(case, trial) for case, trial in tried if trial.outcome is not None]
    actions = [*(each.tool.name for each in subject.tools), *(name for case in cases for name in case.tools)]
    own = [target for each in subject.tools for target in each.targets.values()]
    targets = list(dict.fromkeys([*own, *_targets(cases)]))

    def counted(names: Iterable[str], holds: Callable[[str, Case, Trial], bool]) -> tuple[Part, ...]:
        unlike = dict.fromkeys(names)
        return tuple(Part(name, sum(holds(name, *each) for each in made)) for name in unlike)

    return Coverage(
        counted(actions, lambda name, _, trial: name in [call.name for call in _happened(trial).calls or ()]),
        counted(targets, lambda name, _, trial: name in (_happened(trial).transfers or ())),
        counted(
            sentences(str(subject.row.settings.get("prompt") or "")),
            lambda name, case, _: covers(case, name),
        ),
        counted(
            [*_ends(subject, bool(targets)), *(_ended(trial) for _, trial in made)],
            lambda name, _, trial: _ended(trial) == name,
        ),
    )


def sentences(prompt: str) -> list[str]:
    """What a prompt tells, one thing each; headings are left out."""
    lines = [_BULLET.sub("", line).strip() for line in _joined(prompt) if not line.lstrip().startswith("#")]
    return [each.strip() for line in lines for each in _SENTENCE.split(line) if each.strip()]


def covers(case: Case, sentence: str) -> bool:
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


def _targets(cases: Sequence[Case]) -> list[str]:
    mocked = [
        answer.transfers_to for case in cases for tool in case.tools.values() for answer in tool.answers
    ]
    ruled = [rule.target for case in cases for rule in case.rules if isinstance(rule, TransferredTo)]
    return [target for target in (*mocked, *ruled) if target is not None]


def _ends(subject: Subject, transfers: bool) -> list[str]:
    usual = [EndReason.AGENT_ENDED.value, EndReason.HUMAN_ENDED.value]
    passed_on = [EndReason.TRANSFERRED.value] if transfers else []
    own = [each.reason for each in profile_of(subject.row, {}, {}).end_conditions]
    return [*usual, *passed_on, *own]


def _ended(trial: Trial) -> str:
    """Why: the agent's own reason where it named one."""
    happened = _happened(trial)
    return happened.end_detail or happened.end_reason or ""
