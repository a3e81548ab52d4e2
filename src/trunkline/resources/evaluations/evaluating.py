"""Custom evaluations: a question of the agent's owner, judged after the talk (contract, section 7.2)."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from trunkline.errors import ProviderError, Unavailable
from trunkline.resources.actions.work import PlannedAction
from trunkline.resources.evaluations.entries import entry
from trunkline.resources.evaluations.material import asked, asked_of_notes
from trunkline.resources.evaluations.windows import Window, clipped, windows
from trunkline.resources.talks import Talk
from trunkline.voice.language.ports import LanguageModel

ACTION_TYPE = "custom_eval_action_type"
"""By the pattern of the others (inferred)."""
LIKERT = ("strongly disagree", "disagree", "neutral", "agree", "strongly agree")
NO_WORDS = "Nothing was said that could be evaluated."
_QUESTION_TOKENS = 600
_NOTES_TOKENS = 2400
_LONGEST_TEXT = 2000
_RULES = (
    "You evaluate a talk between an agent and a caller. Give your reasoning first, in at most 40 words that point to "
    "what was said, then the result. Judge only by what you see."
)
_NOTE_RULES = (
    "You read one part of a long talk between an agent and a caller, and note what bears on a question about the "
    "whole talk, in at most 60 words. Do not answer the question."
)
_NOTE_FORM: dict[str, Any] = {
    "type": "object",
    "properties": {"notes": {"type": "string"}},
    "required": ["notes"],
    "additionalProperties": False,
}


async def evaluate(
    model: LanguageModel, talk: Talk, action: PlannedAction, at: datetime | None = None
) -> dict[str, str]:
    """The entry of one evaluation in `executed_actions`, under its own `name`. A fault is its `error_message`.

    Its `return_value`: `{"<identifier>": result, "reasoning": text, "expected_result": text, "is_expected": bool}`,
    the last two only where a result is expected. The result is `"true"` or `"false"` for `pass_fail`, 1 to 10 for
    `numeric`, one of LIKERT for `likert_scale`, and a text for `descriptive`.
    """
    question = action.settings["question"]
    try:
        value, error = await _value(model, talk, question, action.name), ""
    except (ProviderError, Unavailable) as fault:
        value, error = {}, str(fault)
    name = question.get("identifier") or action.name
    return entry(name, ACTION_TYPE, question, value, at, error)


async def _value(model: LanguageModel, talk: Talk, question: Mapping[str, Any], name: str) -> dict[str, Any]:
    parts = windows(talk.transcript)
    if not parts:
        raise ProviderError(NO_WORDS)
    worded = _worded(question)
    if len(parts) == 1:
        messages = asked(_RULES, talk, parts[0], worded)
    else:
        messages = asked_of_notes(_RULES, talk, await _notes(model, talk, parts, question), worded)
    given = (await model.fill(talk.model, messages, _form(question), "evaluation")).value
    result = given["result"]
    shown: dict[str, Any] = {"reasoning": " ".join(given["reasoning"].split())[:_LONGEST_TEXT]}
    if expected := question.get("expected_result"):
        is_expected = given.get("is_expected")
        shown |= {
            "expected_result": expected,
            "is_expected": _met(question, result) if is_expected is None else is_expected,
        }
    return shown | {question.get("identifier") or name: result}


async def _notes(model: LanguageModel, talk: Talk, parts: list[Window], question: Mapping[str, Any]) -> str:
    """What each part of a long talk has to say about the question, in order."""
    wanted = f"The question about the whole talk: {clipped(question['text'], _QUESTION_TOKENS)}"
    taken = []
    for part in parts:
        messages = asked(_NOTE_RULES, talk, part, wanted)
        filled = await model.fill(talk.model, messages, _NOTE_FORM, "notes")
        taken.append(
            f"Part {part.number}: {clipped(filled.value['notes'].strip(), _NOTES_TOKENS // len(parts))}"
        )
    return "\n".join(taken)


def _worded(question: Mapping[str, Any]) -> str:
    text = f"Question: {clipped(question['text'], _QUESTION_TOKENS)}"
    match question.get("category"):
        case "numeric":
            return f"{text}\nThe result is a number from 1 (not at all, or as bad as can be) to 10 (fully, or perfect)."
        case "likert_scale":
            return f"{text}\nThe result says how far you agree that it is so."
        case "descriptive":
            expected = question.get("expected_result")
            more = f" is_expected: does it agree with this expectation: {expected}" if expected else ""
            return f"{text}\nThe result is a short text.{more}"
    return f"{text}\nThe result is true when it is so or when it is passed, otherwise false."


def _form(question: Mapping[str, Any]) -> dict[str, Any]:
    members: dict[str, Any] = {"reasoning": {"type": "string"}}
    match question.get("category"):
        case "numeric":
            members["result"] = {"type": "integer", "enum": list(range(1, 11))}
        case "likert_scale":
            members["result"] = {"type": "string", "enum": list(LIKERT)}
        case "descriptive":
            members["result"] = {"type": "string"}
            if question.get("expected_result"):
                members["is_expected"] = {"type": "boolean"}
        case _:
            members["result"] = {"type": "string", "enum": ["true", "false"]}
    return {
        "type": "object",
        "properties": members,
        "required": list(members),
        "additionalProperties": False,
    }


def _met(question: Mapping[str, Any], result: Any) -> bool:
    """A number has to be reached, anything else to be the same."""
    expected = str(question["expected_result"])
    if question.get("category") == "numeric":
        return int(result) >= int(expected)
    return str(result).casefold() == " ".join(expected.replace("_", " ").casefold().split())
