"""Talks that are over, and actions on them."""

from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from trunkline.resources.actions.work import PlannedAction
from trunkline.resources.evaluations.checks import CHECKS, Check
from trunkline.resources.talks import Talk
from trunkline.voice.conversation.profile import Medium
from trunkline.voice.language.twins import Said, ScriptedLanguageModel

ID = UUID(int=7)
AT = datetime(2026, 11, 22, 9, 30, 0, 250000, tzinfo=UTC)
PROMPT = "You are Ada of Bright Dental. Book appointments."
WORDS = """
bot: Bright Dental, this is Ada. How can I help?
human: I need a check-up.
bot: Tuesday at ten is free. Shall I book it?
human: Yes please. Goodbye."""


def talk(transcript: str = WORDS, **changes: Any) -> Talk:
    whole: dict[str, Any] = {
        "workspace_id": ID,
        "agent_id": ID,
        "id": "call-1",
        "medium": Medium.CALL,
        "began": AT,
        "other_party": "+15550100",
        "prompt": PROMPT,
        "transcript": transcript,
        "model": "gpt-4.1",
        "end_reason": "human_ended",
        **changes,
    }
    return Talk(**whole)


def extractor(identifier: str = "colour", type_: str = "OPEN_QUESTION", **more: Any) -> PlannedAction:
    settings = {
        "type": type_,
        "identifier": identifier,
        "condition": "",
        "choices": [],
        "examples": [],
        **more,
    }
    name = f"info_extractor_{identifier}"
    return PlannedAction(ID, "INFORMATION_EXTRACTOR", name, "", settings, "after")


def evaluation(text: str = "Was the agent polite?", **more: Any) -> PlannedAction:
    question = {"identifier": "polite", "text": text, "category": "pass_fail", **more}
    return PlannedAction(ID, "CUSTOM_EVAL", "polite", text, {"question": question}, "after")


def asked_checks(messages: Sequence[dict[str, Any]]) -> list[Check]:
    """The checks that a request is about."""
    question = messages[-1]["content"].rpartition("Checks:\n")[2]
    return [check for check in CHECKS if f"- {check.name}: " in question]


def judging(given: Callable[[Check, str], tuple[str, str]]) -> ScriptedLanguageModel:
    """A judge that gives (verdict, reason) for a check and the text it reads."""

    def rule(messages: Sequence[dict[str, Any]]) -> Said:
        found = {check.name: given(check, messages[-1]["content"]) for check in asked_checks(messages)}
        return {name: {"feedback": reason, "verdict": verdict} for name, (verdict, reason) in found.items()}

    return ScriptedLanguageModel(rule=rule)
