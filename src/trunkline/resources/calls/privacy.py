"""What of a call's notes may be kept where its agent redacts personal data (`agent.redact_pii`)."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import Uuid, any_, bindparam, select, update
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.ext.asyncio import AsyncSession

from trunkline.resources.calls.models import Call, CallEvent
from trunkline.resources.redaction import names_in, names_in_value, redact_lines, redact_url, redact_value
from trunkline.resources.redaction.passage import Line
from trunkline.resources.webhooks.models import WebhookLog
from trunkline.voice.conversation.events import Kind, Note

KEY_PRESSED = "*"
"""Stands for every key that the caller pressed."""

_TEXT = {
    Kind.CALLER_SAID: ("human", "text"),
    Kind.CALLER_WROTE: ("human", "text"),
    Kind.AGENT_SAID: ("bot", "text"),
    Kind.SAY: ("say", "text"),
    Kind.WHISPER: ("whisper", "text"),
    Kind.BARGE_IN: ("barge in", "words"),
    Kind.ENDED: ("ended", "detail"),
}
"""Who speaks, and where the words are. What was said is one talk, in which values go over turns."""
_VALUES = {
    Kind.TOOL_STARTED: ("arguments", "parameters_hard_coded"),
    Kind.TOOL_FINISHED: ("result", "error"),
}

_LOGGED = ("request_headers", "request_payload", "request_query", "answer_payload", "error")
"""Columns of a log that may hold what was said."""
_OF_OURS = frozenset({"content-type", "user-agent", "webhook-id", "webhook-timestamp"})
"""Headers that hold nothing of anybody, whatever their digits look like."""


def redacted(notes: Sequence[Note], known: Iterable[str] = ()) -> list[Note]:
    """The notes without personal data, in the same order; `known` names are taken out wherever they stand."""
    spoken, lines = _spoken(notes)
    names = [*known, *names_in(lines, known)]
    texts = dict(zip(spoken, redact_lines(lines, names), strict=True))
    return [_note(note, texts.get(at, ""), names) for at, note in enumerate(notes)]


async def redact_events(session: AsyncSession, call: Call, events: Sequence[CallEvent]) -> None:
    """Rewrite the stored events of a call, and the logs of what its actions sent, within this transaction."""
    notes = [Note(event.at_ms, event.kind, event.data) for event in events]
    names = [call.name, *names_in(_spoken(notes)[1], [call.name])]
    for event, note in zip(events, redacted(notes, names), strict=True):
        if note.data != event.data:
            event.data = dict(note.data)
    await redact_logs(session, call, names)


async def redact_logs(session: AsyncSession, call: Call, names: Sequence[str]) -> None:
    """Take personal data out of what is logged of a call's requests."""
    columns = (getattr(WebhookLog, name) for name in ("id", "url", *_LOGGED))
    query = select(*columns).where(
        WebhookLog.workspace_id == call.workspace_id, WebhookLog.call_id == call.id
    )
    for row in (await session.execute(query)).mappings().all():
        kept = redacted_log(dict(row), names)
        await session.execute(update(WebhookLog).where(WebhookLog.id == row["id"]).values(kept))


async def calls_over(
    session: AsyncSession, calls: Collection[UUID], *, hold: bool
) -> dict[UUID, tuple[str, ...]]:
    """Those of the calls that are over and redact, with the names that are known.

    Their logs are written redacted, those of the others are when they end. With `hold` none of them ends before this transaction does, so that
    no log falls between the two.
    """
    if not calls:
        return {}
    columns = Call.id, Call.name, Call.variables, Call.ended_at
    these = bindparam("calls", list(calls), ARRAY(Uuid()))  # one statement, however many
    query = select(*columns).where(Call.id == any_(these), Call.redacts_pii)
    found = await session.execute(query.with_for_update(read=True) if hold else query)
    return {
        id_: names_known(name, variables)
        for id_, name, variables, ended_at in found.all()
        if ended_at is not None
    }


def names_known(lead: str, variables: Mapping[str, Any]) -> tuple[str, ...]:
    """The names that a call came with. Those that were told in it are gone with its end."""
    return lead, *names_in_value(variables, [lead], named=True)


def redacted_log(row: Mapping[str, Any], names: Sequence[str]) -> dict[str, Any]:
    """What changes of a log (its columns by name) when personal data is taken out of it."""
    kept = {name: redact_value(row[name], names, named=True) for name in _LOGGED}
    kept["request_headers"] = row["request_headers"] | redact_value(
        {name: value for name, value in row["request_headers"].items() if name.lower() not in _OF_OURS},
        names,
        named=True,
    )
    return {**kept, "url": redact_url(row["url"], names)}


def without_personal_data(payload: Mapping[str, Any], lead: str) -> dict[str, Any]:
    """The payload of the post-call webhook. Name and number of the lead stay: by them a receiver knows whom it is about."""
    kept = redact_value(payload, [lead])
    kept["lead"] |= {name: payload["lead"][name] for name in ("name", "phone_number")}
    kept["call"] |= {
        name: payload["call"][name]
        for name in ("call_id", "model_id", "external_id")
        if name in payload["call"]
    }
    return dict(kept)


def _spoken(notes: Sequence[Note]) -> tuple[list[int], list[Line]]:
    """Which notes hold words, and the words as lines of one talk."""
    spoken = [at for at, note in enumerate(notes) if note.kind in _TEXT]
    lines = []
    for at in spoken:
        speaker, key = _TEXT[Kind(notes[at].kind)]
        lines.append(Line(speaker, str(notes[at].data.get(key, ""))))
    return spoken, lines


def _note(note: Note, text: str, names: Sequence[str]) -> Note:
    if note.kind in _TEXT:
        _, key = _TEXT[Kind(note.kind)]
        return _with(note, {key: text} if key in note.data else {})
    if note.kind in _VALUES:
        keys = [key for key in _VALUES[Kind(note.kind)] if key in note.data]
        return _with(note, {key: redact_value(note.data[key], names, named=True) for key in keys})
    if note.kind == Kind.DIGIT:
        return _with(note, {"digit": KEY_PRESSED})
    return note


def _with(note: Note, values: Mapping[str, Any]) -> Note:
    return Note(note.at_ms, note.kind, {**note.data, **values})
