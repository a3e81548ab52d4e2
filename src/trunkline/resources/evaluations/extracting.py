"""Information extractors: questions about a talk, answered in a fixed form (contract, section 7.2)."""

import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from trunkline.errors import ProviderError, ProviderTimeout, TrunklineError, Unavailable
from trunkline.resources.actions.work import PlannedAction
from trunkline.resources.evaluations.entries import entry
from trunkline.resources.evaluations.material import asked
from trunkline.resources.evaluations.windows import clipped, windows
from trunkline.resources.talks import Talk
from trunkline.voice.language.ports import LanguageModel

ACTION_TYPE = "extract_info_action_type"
_AT_ONCE = 10
"""Questions in one request."""
_QUESTION_TOKENS = 120
_LONGEST_ANSWER = 2000
_RULES = (
    "You read the transcript of a talk between an agent and a caller and answer questions about it. Answer only "
    "from what was said; null where the talk does not tell. Where something was corrected later, the later counts."
)
_Answers = dict[str, str | None]


async def extract(
    model: LanguageModel, talk: Talk, action: PlannedAction, at: datetime | None = None
) -> dict[str, str]:
    """The entry of one extractor in `executed_actions`, under its own `name`. A fault is its `error_message`."""
    [found] = (await extract_all(model, talk, [action], at)).values()
    return found


async def extract_all(
    model: LanguageModel, talk: Talk, actions: Sequence[PlannedAction], at: datetime | None = None
) -> dict[str, dict[str, str]]:
    """The entries of all extractors, by name: ten to a request, each alone where the model does not get them right.

    Never raises for a model that fails: what is not answered says so.
    """
    entries: dict[str, dict[str, str]] = {}
    for start in range(0, len(actions), _AT_ONCE):
        some = actions[start : start + _AT_ONCE]
        for action, answer in zip(some, await _answered(model, talk, some), strict=True):
            made = _entry(action, answer, at)
            entries[made["name"]] = made
    return entries


def answers(entries: Mapping[str, Mapping[str, str]]) -> dict[str, Any]:
    """What extractors found, by identifier; those that failed are left out."""
    found: dict[str, Any] = {}
    for each in entries.values():
        if each["action_type"] == ACTION_TYPE and not each["error_message"]:
            found |= json.loads(each["return_value"])
    return found


def collected(agent_id: str, values: Mapping[str, Any]) -> dict[str, dict[str, dict[str, Any]]]:
    """Values in the shape of `collected_variables` (contract, section 5.3); one that is None was not collected."""
    shown = {name: {"value": value, "collected": value is not None} for name, value in values.items()}
    return {agent_id: shown} if shown else {}


async def _answered(
    model: LanguageModel, talk: Talk, actions: Sequence[PlannedAction]
) -> list[str | TrunklineError | None]:
    try:
        found = await _ask(model, talk, [each.settings for each in actions])
        return [found[_key(n)] for n in range(1, len(actions) + 1)]
    except (ProviderTimeout, Unavailable) as error:
        return [error] * len(actions)  # asked one by one, all would wait as long again
    except ProviderError as error:
        if len(actions) == 1:
            return [error]
        return [answer for each in actions for answer in await _answered(model, talk, [each])]


async def _ask(model: LanguageModel, talk: Talk, questions: Sequence[Mapping[str, Any]]) -> _Answers:
    numbered = "\n".join(f"- {_key(n)}: {_worded(each)}" for n, each in enumerate(questions, 1))
    form = _form(questions)
    found: _Answers = dict.fromkeys(form["properties"])
    for window in windows(talk.transcript):
        messages = asked(_RULES, talk, window, f"Questions:\n{numbered}")
        filled = await model.fill(talk.model, messages, form, "answers")
        for n, question in enumerate(questions, 1):
            found[_key(n)] = _later(question, found[_key(n)], _plain(filled.value[_key(n)]))
    return found


def _later(question: Mapping[str, Any], former: str | None, answer: str | None) -> str | None:
    """What two windows say together: what one of them shows to be so is so, and what is said later counts."""
    if answer is None or (question["type"] == "YES_NO" and former == "yes"):
        return former
    return answer


def _form(questions: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Members are numbered: identifiers may hold whatever they like."""
    members = {_key(n): _member(each) for n, each in enumerate(questions, 1)}
    return {
        "type": "object",
        "properties": members,
        "required": list(members),
        "additionalProperties": False,
    }


def _member(question: Mapping[str, Any]) -> dict[str, Any]:
    match question["type"]:
        case "YES_NO":
            return {"enum": ["yes", "no", None]}
        case "SINGLE_CHOICE" if question.get("choices"):
            return {"enum": [*dict.fromkeys(question["choices"]), None]}
    return {"type": ["string", "null"]}


def _worded(question: Mapping[str, Any]) -> str:
    words = question["identifier"]
    if condition := question.get("condition"):
        words = f"{words}: {condition}"
    words = clipped(" ".join(words.split()), _QUESTION_TOKENS)
    match question["type"]:
        case "YES_NO":
            return f"{words} (yes or no)"
        case "SINGLE_CHOICE" if choices := question.get("choices"):
            return f"{words} (one of: {json.dumps(choices, ensure_ascii=False)}; null when none fits)"
        case "OPEN_QUESTION" if examples := question.get("examples"):
            form = clipped(json.dumps(examples, ensure_ascii=False), _QUESTION_TOKENS)
            return f"{words} (answers look like {form}: their form, not what was said)"
    return words


def _plain(answer: str | None) -> str | None:
    return (answer or "").strip()[:_LONGEST_ANSWER] or None


def _key(n: int) -> str:
    return f"answer_{n}"


def _entry(action: PlannedAction, answer: str | TrunklineError | None, at: datetime | None) -> dict[str, str]:
    identifier = action.settings["identifier"]
    failed = isinstance(answer, TrunklineError)
    value = {} if failed else {identifier: answer}
    error = str(answer) if failed else ""
    return entry(f"info_extractor_{identifier}", ACTION_TYPE, action.settings, value, at, error)
