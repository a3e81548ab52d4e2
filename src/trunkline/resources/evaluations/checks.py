"""The checks of `judge_results` (contract, section 5.4), and what each asks. The contract names them; the sentences
are ours."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum


class Verdict(StrEnum):
    """Of one check."""

    TRUE = "true"
    FALSE = "false"
    PARTIAL = "partial"
    NOT_APPLICABLE = "not_applicable"


@dataclass(frozen=True)
class Finding:
    """A verdict, and what is wrong where it is `false` or `partial`."""

    verdict: Verdict
    feedback: str = ""


class Merge(StrEnum):
    """What the windows of a long talk make together."""

    WORST = "worst"
    """The talk keeps a rule only where each window does."""
    BEST = "best"
    """What is reached in one window is reached."""
    LAST = "last"
    """How it is in the end."""


_GRADED = (Verdict.TRUE, Verdict.PARTIAL, Verdict.FALSE)
_YES_NO = (Verdict.TRUE, Verdict.FALSE)
_OR_NONE = (Verdict.NOT_APPLICABLE,)


@dataclass(frozen=True)
class Check:
    """One check. `asks` is a sentence that is true of a good talk."""

    name: str
    asks: str
    verdicts: Sequence[Verdict] = _GRADED + _OR_NONE
    """Those that may be given."""
    merge: Merge = Merge.WORST


CHECKS = (
    Check(
        "persona",
        "The agent stayed the person that its instructions describe: name, role, company. "
        "not_applicable when they describe none.",
    ),
    Check(
        "style",
        "The agent spoke as its instructions ask: tone, length, language, words to use or avoid. When they ask for "
        "nothing: plainly and politely.",
        _GRADED,
    ),
    Check(
        "steps",
        "The agent took the steps that its instructions prescribe, in their order, as far as the caller let it. "
        "not_applicable when they prescribe none.",
    ),
    Check(
        "no_repetition",
        "The agent did not ask again for what the caller had already told, and did not say the same thing again "
        "without being asked to.",
        _GRADED,
    ),
    Check(
        "objections",
        "When the caller raised an objection that the instructions say how to answer, the agent answered it so. "
        "not_applicable when no such objection was raised.",
    ),
    Check(
        "objection_not_defined",
        "When the caller raised an objection that the instructions do not mention, the agent answered it sensibly. "
        "not_applicable when no such objection was raised.",
    ),
    Check(
        "knowledge",
        "Every fact that the agent stated comes from its instructions, from results of actions or from the caller; "
        "nothing was made up. not_applicable when it stated no facts.",
    ),
    Check(
        "goal",
        "What the instructions want of the talk was reached.",
        merge=Merge.BEST,
    ),
    Check(
        "appointment",
        "An appointment was agreed, with its day and time. not_applicable when the talk was not about one.",
        merge=Merge.BEST,
    ),
    Check(
        "user_sentiment",
        "The caller was friendly or neutral. false when annoyed, angry or disappointed.",
        merge=Merge.LAST,
    ),
    Check("agent_sentiment", "The agent was friendly and respectful in everything it said.", _GRADED),
    Check(
        "call_completion",
        "The talk came to its natural end; it was not broken off while something was open.",
        _GRADED,
        Merge.LAST,
    ),
    Check(
        "answered_by_human",
        "A person spoke with the agent: not an answering machine, not a recorded menu.",
        _YES_NO,
        Merge.BEST,
    ),
    Check(
        "opted_in",
        "The caller agreed to what the agent asked leave for, such as a message, another call or a recording. "
        "not_applicable when the agent asked no leave.",
        _YES_NO + _OR_NONE,
        Merge.BEST,
    ),
    Check(
        "no_opt_out",
        "The caller did not ask to be called or written to no more. false when the caller did.",
        _YES_NO,
    ),
    Check(
        "call_summary",
        "The agent said back to the caller what was agreed, before the end. not_applicable when nothing was agreed.",
        merge=Merge.BEST,
    ),
)
"""In the order of the contract."""

_BAD_FIRST = (Verdict.FALSE, Verdict.PARTIAL, Verdict.TRUE)


def merged(check: Check, findings: Sequence[Finding]) -> Finding:
    """One finding of those of all windows, in their order; windows to which a check does not apply do not count."""
    counted = [each for each in findings if each.verdict is not Verdict.NOT_APPLICABLE]
    if not counted:
        return Finding(Verdict.NOT_APPLICABLE)
    match check.merge:
        case Merge.LAST:
            return counted[-1]
        case Merge.WORST:
            return min(counted, key=lambda each: _BAD_FIRST.index(each.verdict))
        case Merge.BEST:
            return max(counted, key=lambda each: _BAD_FIRST.index(each.verdict))


def results(findings: Mapping[str, Finding]) -> dict[str, str]:
    """`judge_results`: 35 keys, every value a text. `findings` has one for each check."""
    wrong = {Verdict.FALSE, Verdict.PARTIAL}
    verdicts = {each.verdict for each in findings.values()}
    flat: dict[str, str] = {}
    said = []
    for check in CHECKS:
        finding = findings[check.name]
        feedback = finding.feedback if finding.verdict in wrong else ""
        flat |= {check.name: finding.verdict.value, f"{check.name}_feedback": feedback}
        if feedback:
            said.append(f"{check.name}: {feedback}")
    return flat | {
        "judge_found_partial_or_error": _text(bool(verdicts & wrong)),
        "judge_found_full_error": _text(Verdict.FALSE in verdicts),
        "all_feedback": "\n".join(said),
    }


def _text(truth: bool) -> str:
    return "true" if truth else "false"
