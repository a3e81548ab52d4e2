"""What a rule decides no model is asked: machines that answered, lines that were lost, talks without words."""

import re
from collections import Counter

from trunkline.resources.evaluations.checks import CHECKS, Finding, Verdict
from trunkline.resources.talks import Talk
from trunkline.voice.conversation.events import EndReason
from trunkline.voice.conversation.profile import Medium

MACHINES = frozenset({EndReason.VOICEMAIL, EndReason.VOICEMAIL_LEFT, EndReason.VOICEMAIL_CUT_OFF})
_COMPLETE = frozenset({EndReason.AGENT_ENDED, EndReason.CUSTOM, EndReason.TRANSFERRED})
_BROKEN_OFF: dict[str, str] = {
    EndReason.MAX_DURATION: "The call was cut off at its longest duration.",
    EndReason.IDLE: "The caller fell silent and the call was ended.",
    EndReason.USER_CANCELED: "The call was cancelled.",
    EndReason.ERROR: "A fault ended the call.",
    EndReason.LINE_LOST: "The line was lost.",
}
_OF_THE_AGENT = frozenset({"persona", "style", "knowledge", "agent_sentiment"})
"""Checks that have something to judge when only the agent spoke."""
_SAID_TOO_OFTEN = 3
_WORDS_OF_A_REPETITION = 5


def settled(talk: Talk) -> dict[str, Finding]:
    """The findings that need no model, by check."""
    agent, human = _said(talk, "bot"), _said(talk, "human")
    by_rule = {"answered_by_human": _answered(talk), "call_completion": _completed(talk)}
    if human and talk.answered and talk.end_reason not in MACHINES:
        by_rule["no_repetition"] = _repetition(agent)
    else:
        judged = _OF_THE_AGENT if agent and talk.answered else frozenset()
        for check in CHECKS:
            if check.name not in judged and by_rule.get(check.name) is None:
                by_rule[check.name] = Finding(Verdict.NOT_APPLICABLE)
    return {name: finding for name, finding in by_rule.items() if finding is not None}


def _answered(talk: Talk) -> Finding | None:
    if not talk.answered:
        return Finding(Verdict.FALSE, "Nobody answered.")
    if talk.end_reason in MACHINES:
        return Finding(Verdict.FALSE, "A machine answered.")
    if _said(talk, "human") and (talk.medium is Medium.CHAT or not talk.outbound):
        return Finding(Verdict.TRUE)
    return None


def _completed(talk: Talk) -> Finding | None:
    if not talk.answered:
        return Finding(Verdict.FALSE, "Nobody answered.")
    if talk.end_reason in MACHINES:
        return Finding(Verdict.FALSE, "A machine answered.")
    if (why := _BROKEN_OFF.get(talk.end_reason)) is not None:
        return Finding(Verdict.FALSE, why)
    if talk.end_reason in _COMPLETE and _said(talk, "human"):
        return Finding(Verdict.TRUE)
    return None


def _repetition(agent: list[str]) -> Finding | None:
    """Word for word; what is said again in other words is for a model to see."""
    if len(agent) <= 1:
        return Finding(Verdict.TRUE)
    [(most, times)] = Counter(agent).most_common(1)
    if times >= _SAID_TOO_OFTEN and len(most.split()) >= _WORDS_OF_A_REPETITION:
        return Finding(Verdict.FALSE, f"The agent said {times} times: {most[:120]}")
    return None


def _said(talk: Talk, who: str) -> list[str]:
    """The lines of one side, with whatever does not tell words apart left out."""
    found = re.findall(rf"^{who}:(.*)$", talk.transcript, re.MULTILINE)
    return [words for line in found if (words := " ".join(re.findall(r"[\w']+", line.lower())))]
