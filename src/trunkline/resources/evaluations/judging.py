"""The judge of a talk that is over: one finding a check, by rules where they decide, else by the language model."""

from collections.abc import Mapping, Sequence
from typing import Any

from trunkline.errors import ProviderError, ProviderTimeout
from trunkline.resources.evaluations import rules
from trunkline.resources.evaluations.checks import CHECKS, Check, Finding, Verdict, merged, results
from trunkline.resources.evaluations.material import asked
from trunkline.resources.evaluations.windows import Window, windows
from trunkline.resources.talks import Talk
from trunkline.voice.language.ports import LanguageModel

AT_ONCE = 8
"""Checks in one request (decision 11)."""
_LONGEST_FEEDBACK = 300
_RULES = (
    "You judge the work of a telephone agent by its instructions, by the transcript and by the actions that were run. "
    'For each check give feedback first: "" when nothing is wrong, otherwise what is, in at most 15 words. Then the verdict: '
    "true when its sentence holds, partial when it holds in part, false when it does not, not_applicable when it has "
    "no bearing on this talk. "
    "Judge the agent only by its own instructions, and state nothing that you do not see."
)


async def judge(model: LanguageModel, talk: Talk) -> dict[str, str]:
    """`judge_results` of a talk: 35 keys, every value a text (contract, section 5.4).

    One request for every eight checks that no rule decides, in every window of a long transcript.

    Raises:
        ProviderError: the model failed, or gave no verdict even when it was asked for one alone.
        Unavailable: there is no language model.
    """
    findings = rules.settled(talk)
    left = [check for check in CHECKS if check.name not in findings]
    if left:
        found = [await _read(model, talk, window, left) for window in windows(talk.transcript)]
        findings |= {check.name: merged(check, [each[check.name] for each in found]) for check in left}
    return results(findings)


async def _read(
    model: LanguageModel, talk: Talk, window: Window, checks: Sequence[Check]
) -> dict[str, Finding]:
    """In turn and not at once: each request finds the window read by the one before."""
    found: dict[str, Finding] = {}
    for start in range(0, len(checks), AT_ONCE):
        found |= await _group(model, talk, window, checks[start : start + AT_ONCE])
    return found


async def _group(
    model: LanguageModel, talk: Talk, window: Window, checks: Sequence[Check]
) -> dict[str, Finding]:
    """A group that a model does not get right is asked for again in halves."""
    messages = asked(_RULES, talk, window, _question(checks, window))
    try:
        filled = await model.fill(talk.model, messages, form(checks, window), "verdicts")
    except ProviderTimeout:
        raise
    except ProviderError:
        if len(checks) == 1:
            raise
        half = len(checks) // 2
        first = await _group(model, talk, window, checks[:half])
        return first | await _group(model, talk, window, checks[half:])
    return {check.name: _finding(filled.value[check.name]) for check in checks}


def _question(checks: Sequence[Check], window: Window) -> str:
    listed = "\n".join(f"- {check.name}: {check.asks}" for check in checks)
    if window.of == 1:
        return f"Checks:\n{listed}"
    part = "You see one part of the talk: judge by it alone, and give not_applicable where it shows nothing."
    return f"{part}\nChecks:\n{listed}"


def form(checks: Sequence[Check], window: Window) -> dict[str, Any]:
    """A member for each check rather than a list: a model can then leave none out. The fault comes before the
    verdict, which is so given in its knowledge; where there is none it costs nothing."""
    verdicts = {check.name: _verdicts(check, window) for check in checks}
    return {
        "type": "object",
        "properties": {name: {"$ref": f"#/$defs/{_kind(each)}"} for name, each in verdicts.items()},
        "required": list(verdicts),
        "additionalProperties": False,
        "$defs": {_kind(each): _finding_form(each) for each in verdicts.values()},
    }


def _verdicts(check: Check, window: Window) -> tuple[Verdict, ...]:
    """Of a part of a talk anything may be not to be seen."""
    more = (Verdict.NOT_APPLICABLE,) if window.of > 1 else ()
    return tuple(dict.fromkeys((*check.verdicts, *more)))


def _kind(verdicts: Sequence[Verdict]) -> str:
    return "_or_".join(verdicts)


def _finding_form(verdicts: Sequence[Verdict]) -> dict[str, Any]:
    return {
        "type": "object",
        "properties": {
            "feedback": {"type": "string"},
            "verdict": {"type": "string", "enum": [each.value for each in verdicts]},
        },
        "required": ["feedback", "verdict"],
        "additionalProperties": False,
    }


def _finding(given: Mapping[str, str]) -> Finding:
    feedback = " ".join(given["feedback"].split())
    return Finding(Verdict(given["verdict"]), feedback[:_LONGEST_FEEDBACK])
