"""A call that really happened, as a case: its caller's words are the script, and what the agent did are the rules."""

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from trunkline.errors import BadInput
from trunkline.voice.conversation.events import EndReason, Kind, Note
from trunkline.voice.conversation.profile import END_CALL, SEND_DIGITS

_OWN = (END_CALL.name, SEND_DIGITS.name)
"""Tools that a talk has by itself, and no case mocks."""
_LEAST_MS, _MOST_MS = 200, 5000
"""Bounds of the caller's pauses; longer ones were thoughts, and teach nothing."""


def case_of(name: str, notes: Sequence[Note], variables: Mapping[str, Any]) -> dict[str, Any]:
    """As a suite holds it. `variables` are those that the call was given.

    Its tools give again what they gave, so that nothing real is touched. Raises BadInput for a call without words.
    """
    script = _script(notes)
    if not script:
        raise BadInput(f"{name}: the caller's words are not on its record; choose another call")
    case: dict[str, Any] = {"name": name, "persona": {"script": script}}
    if variables:
        case["custom_variables"] = dict(variables)
    if tools := _tools(notes):
        case["tools"] = tools
    case["rules"] = _rules(notes)
    return case


def _script(notes: Sequence[Note]) -> list[dict[str, Any]]:
    """A cue for each turn of the caller; what came in several pieces without an answer is one."""
    cues: list[dict[str, Any]] = []
    agent: Mapping[str, Any] | None = None
    answered = True
    for note in _spoken(notes):
        text = " ".join(str(note.data["text"]).split())
        if note.kind == Kind.AGENT_SAID.value:
            agent, answered = note.data, True
        elif not answered:
            cues[-1]["say"] += f" {text}"
        else:
            cues.append(_cue(text, note.data, agent))
            answered = False
    if cues and _ended(notes)[0] == EndReason.HUMAN_ENDED.value:
        cues[-1]["hang_up"] = True
    return cues


def _spoken(notes: Sequence[Note]) -> list[Note]:
    """In the order in which it began."""
    said = (Kind.AGENT_SAID.value, Kind.CALLER_SAID.value)
    turns = [note for note in notes if note.kind in said and str(note.data.get("text", "")).strip()]
    return sorted(turns, key=lambda note: note.data["start_ms"])


def _cue(text: str, said: Mapping[str, Any], agent: Mapping[str, Any] | None) -> dict[str, Any]:
    if agent is None:
        return {"to": "^$", "say": text}
    if agent.get("cut") and said["start_ms"] < agent["end_ms"]:
        return {"say": text, "breaks_in_ms": max(0, said["start_ms"] - agent["start_ms"])}
    pause = said["start_ms"] - agent["end_ms"]
    return {"say": text, "after_ms": min(_MOST_MS, max(_LEAST_MS, pause))}


def _tools(notes: Sequence[Note]) -> dict[str, Any]:
    """Each gives again what it gave, to the arguments that it had."""
    found: dict[str, Any] = {}
    for started, finished in _ran(notes):
        tool = found.setdefault(_name(started), {"parameters": {}, "answers": []})
        if started.get("description"):
            tool["description"] = str(started["description"])
        tool["parameters"] |= {name: name.replace("_", " ") for name in started["arguments"]}
        answer: dict[str, Any] = {"result": _read(finished.get("result", ""))}
        if not finished.get("ok", False):
            answer["fails"] = True
        tool["answers"].append(answer)
    for tool in found.values():
        for answer in tool["answers"][:-1]:
            answer["once"] = True
    return found


def _rules(notes: Sequence[Note]) -> list[dict[str, Any]]:
    rules: list[dict[str, Any]] = []
    for started, _ in _ran(notes):
        rule: dict[str, Any] = {"rule": "called", "action": _name(started)}
        if started["arguments"]:
            rule["arguments"] = dict(started["arguments"])
        if rule not in rules:
            rules.append(rule)
    reason, _ = _ended(notes)
    # A caller that hangs up after its last words may be overtaken by an agent that ends the call.
    usual = [EndReason.HUMAN_ENDED.value, EndReason.AGENT_ENDED.value]
    rules.append({"rule": "ended_by", "reason": usual if reason in usual else reason})
    return rules


def _ran(notes: Sequence[Note]) -> Iterator[tuple[Mapping[str, Any], Mapping[str, Any]]]:
    ended = {note.data["call"]: note.data for note in notes if note.kind == Kind.TOOL_FINISHED.value}
    for note in notes:
        if note.kind == Kind.TOOL_STARTED.value and note.data["name"] not in _OWN:
            yield note.data, ended.get(note.data["call"], {})


def _ended(notes: Sequence[Note]) -> tuple[str, str]:
    for note in notes:
        if note.kind == Kind.ENDED.value:
            return str(note.data["reason"]), str(note.data.get("detail", ""))
    raise BadInput("This call has not ended; try again when it has.")


def _name(started: Mapping[str, Any]) -> str:
    return str(started.get("action") or started["name"])


def _read(text: Any) -> Any:
    try:
        return json.loads(text)
    except (TypeError, ValueError):
        return text
