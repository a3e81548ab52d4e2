"""What a call was, read off its notes: a pure fold, the same for a host that finishes and a reaper that closes.

Notes are taken in the order they were appended, which is the order things were heard.
"""

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from trunkline.resources.actions.executed import Entry, entry, unused
from trunkline.voice.conversation.events import EndReason, Kind, Note
from trunkline.voice.conversation.profile import END_CALL


class Direction(StrEnum):
    """Who called: the caller us, or we them."""

    INBOUND = "inbound"
    OUTBOUND = "outbound"


class TelephonyHangup(StrEnum):
    """The side that hung up."""

    CALLER = "caller"
    CALLEE = "callee"


class TelephonyDisconnectReason(StrEnum):
    """How the line came to its end."""

    UNKNOWN = "unknown"
    CALLEE_HANGUP = "callee_hangup"
    CALLER_HANGUP = "caller_hangup"
    ERROR = "error"
    FORBIDDEN = "forbidden"


@dataclass(frozen=True)
class EndWords:
    """One end in the vocabularies of the wire: REST, and the post-call webhook."""

    rest: str
    webhook: str


END_WORDS: dict[EndReason, EndWords] = {
    EndReason.HUMAN_ENDED: EndWords("human_ended_call", "human_goodbye"),
    EndReason.AGENT_ENDED: EndWords("agent_ended_call", "agent_goodbye"),
    EndReason.CUSTOM: EndWords("custom_end_call", "custom_end_call"),
    EndReason.MAX_DURATION: EndWords("timeout", "max_duration"),
    EndReason.IDLE: EndWords("timeout", "undefined"),
    EndReason.USER_CANCELED: EndWords("user_canceled", "user_canceled"),
    EndReason.ERROR: EndWords("error", "undefined"),
    EndReason.LINE_LOST: EndWords("error", "undefined"),
    EndReason.TRANSFERRED: EndWords("agent_ended_call", "agent_goodbye"),
    EndReason.VOICEMAIL: EndWords("voicemail", "voicemail"),
    EndReason.VOICEMAIL_LEFT: EndWords("voicemail_message_left", "voicemail_message_left"),
    EndReason.VOICEMAIL_CUT_OFF: EndWords("voicemail_cut_off", "voicemail"),
}
CUT_OFF = EndWords("human_pick_up_cut_off", "human_pick_up_cut_off")
_AT_ONCE_MS = 4000


@dataclass(frozen=True)
class Record:
    """What the notes of one call say about it."""

    transcript: str
    """Lines `bot: …` and `human: …`, each after a newline; "" when nobody was heard."""
    executed_actions: dict[str, Entry]
    """Every run in the shape of the wire, by the action's name; further runs of it as `name_2`, `name_3` and so on."""
    end: EndWords | None
    """None while nothing says that the conversation ended."""
    end_reason: EndReason | None
    end_detail: str
    hangup: TelephonyHangup | None
    disconnect: TelephonyDisconnectReason
    turns: list[dict[str, Any]]
    """The ledger: one entry a turn, as the conversation noted it."""
    models: tuple[str, ...]
    """The language models that answered, each once, in the order they came."""
    last_ms: int
    """Time of the last note in the call's clock."""


def fold(notes: Iterable[Note], direction: Direction, connected_at: datetime) -> Record:
    """The record of a call whose clock started at `connected_at` (UTC)."""
    taken = list(notes)
    transcript = "".join(f"\n{who}: {text}" for who, text in _lines(taken))
    reason, detail = _end(taken)
    models = dict.fromkeys(
        name for note in taken if note.kind == Kind.MODEL and (name := str(note.data["model"]))
    )
    return Record(
        transcript=transcript,
        executed_actions=_actions(taken, connected_at),
        end=_end_words(reason, direction, taken),
        end_reason=reason,
        end_detail=detail,
        hangup=_hangup(reason, direction),
        disconnect=_disconnect(reason, direction),
        turns=[dict(note.data) for note in taken if note.kind == Kind.TURN],
        models=tuple(models),
        last_ms=max((note.at_ms for note in taken), default=0),
    )


def without_words(note: Note) -> Note:
    """The note of a call that keeps no transcript: that something was said, and when, but not what."""
    if note.kind in (Kind.CALLER_SAID, Kind.CALLER_WROTE, Kind.AGENT_SAID, Kind.SAY, Kind.WHISPER):
        return Note(note.at_ms, note.kind, {**note.data, "text": ""})
    if note.kind == Kind.BARGE_IN:
        return Note(note.at_ms, note.kind, {**note.data, "words": ""})
    return note


def _lines(notes: list[Note]) -> Iterator[tuple[str, str]]:
    for note in notes:
        if note.kind in (Kind.CALLER_SAID, Kind.CALLER_WROTE, Kind.AGENT_SAID):
            text = " ".join(str(note.data["text"]).split())
            if text:
                yield ("bot" if note.kind == Kind.AGENT_SAID else "human"), text


def _end(notes: list[Note]) -> tuple[EndReason | None, str]:
    """The first end that was noted; words that are no EndReason count as a fault and are kept as the detail."""
    for note in notes:
        if note.kind == Kind.ENDED:
            said, detail = str(note.data["reason"]), str(note.data.get("detail", ""))
            try:
                return EndReason(said), detail
            except ValueError:
                return EndReason.ERROR, detail or said
    return None, ""


def _end_words(reason: EndReason | None, direction: Direction, notes: list[Note]) -> EndWords | None:
    if reason is None:
        return None
    if reason is EndReason.HUMAN_ENDED and direction is Direction.OUTBOUND and _cut_off(notes):
        return CUT_OFF
    return END_WORDS[reason]


def _cut_off(notes: list[Note]) -> bool:
    """Did the one who picked up hang up at once? Before anything was said, or within moments and without a word."""
    spoke = {note.kind for note in notes if note.kind in (Kind.CALLER_SAID, Kind.AGENT_SAID)}
    at_once = max((note.at_ms for note in notes), default=0) <= _AT_ONCE_MS
    return not spoke or (at_once and Kind.CALLER_SAID not in spoke)


_BY_US = frozenset(
    {
        EndReason.AGENT_ENDED,
        EndReason.CUSTOM,
        EndReason.MAX_DURATION,
        EndReason.IDLE,
        EndReason.USER_CANCELED,
        EndReason.TRANSFERRED,
        EndReason.VOICEMAIL,
        EndReason.VOICEMAIL_LEFT,
    }
)
_BY_THEM = frozenset({EndReason.HUMAN_ENDED, EndReason.VOICEMAIL_CUT_OFF})


def _hangup(reason: EndReason | None, direction: Direction) -> TelephonyHangup | None:
    """None when nobody hung up. Inbound the caller is the human, outbound it is us."""
    if reason in _BY_THEM:
        human_called = direction is Direction.INBOUND
        return TelephonyHangup.CALLER if human_called else TelephonyHangup.CALLEE
    if reason in _BY_US:
        we_called = direction is Direction.OUTBOUND
        return TelephonyHangup.CALLER if we_called else TelephonyHangup.CALLEE
    return None


def _disconnect(reason: EndReason | None, direction: Direction) -> TelephonyDisconnectReason:
    match _hangup(reason, direction):
        case TelephonyHangup.CALLER:
            return TelephonyDisconnectReason.CALLER_HANGUP
        case TelephonyHangup.CALLEE:
            return TelephonyDisconnectReason.CALLEE_HANGUP
    return TelephonyDisconnectReason.UNKNOWN if reason is None else TelephonyDisconnectReason.ERROR


def _actions(notes: list[Note], connected_at: datetime) -> dict[str, Entry]:
    """Every tool that ran, `end_call` apart: that one is the conversation's own and no action."""
    finished = {note.data["call"]: note.data for note in notes if note.kind == Kind.TOOL_FINISHED}
    handed = _handed_over(notes)
    actions: dict[str, Entry] = {}
    for note in notes:
        if note.kind == Kind.TOOL_STARTED and note.data["name"] != END_CALL.name:
            at = connected_at + timedelta(milliseconds=note.at_ms)
            if "at" in note.data:  # it ran before the call was connected
                at = datetime.fromisoformat(note.data["at"])
            result = finished.get(note.data["call"]) or handed.get(note.data.get("action"))
            action = entry(note.data, result, at)
            actions[unused(action["name"], actions)] = action
    return actions


def _handed_over(notes: list[Note]) -> dict[Any, dict[str, Any]]:
    """By the action's name what came of transfers: after one that went well nothing is left to tell the tool's end."""
    told = [note.data for note in notes if note.kind == Kind.TRANSFER_FINISHED and "action" in note.data]
    return {
        each["action"]: {
            "result": json.dumps(each["value"], ensure_ascii=False),
            "ok": not each["value"].get("failed_reason"),
            "error": each["value"].get("failed_reason") or "",
        }
        for each in told
    }
