"""Putting placeholders where personal data stood."""

import json
import re
from collections.abc import Iterable, Iterator, Sequence
from typing import Any
from urllib.parse import parse_qsl, quote, unquote, urlsplit, urlunsplit

from trunkline.resources.redaction.addresses import addresses
from trunkline.resources.redaction.emails import emails
from trunkline.resources.redaction.names import NAME, names
from trunkline.resources.redaction.numbers import numbers
from trunkline.resources.redaction.passage import Line, Passage, Span

_KEY_BREAKS = re.compile(r"[_\W]+|(?<=[a-z])(?=[A-Z])")
_KEPT_IN_PATHS = "[]*:@!$&'()+,;=~"
_MOST_PASSES = 8
_SPEAKER = re.compile(r"^(bot|human): ?", re.MULTILINE)


def redact(text: str, known: Iterable[str] = ()) -> str:
    """The text with `[CARD]`, `[SSN]`, `[NAME]`, `[EMAIL]`, `[PHONE]` and `[ADDRESS]` for what it held of them.

    A transcript with lines `bot: …` and `human: …` is read as a talk: what a party says over several turns is one.
    `known`: names that are known to belong to somebody, such as the lead's. Redacting twice changes nothing.
    """
    if not _SPEAKER.search(text):
        return redact_lines([Line("", text)], known)[0]
    heads, lines = [], []
    for row in text.split("\n"):
        head = _SPEAKER.match(row)
        heads.append(head[0] if head else "")
        lines.append(Line(head[1] if head else "", row[len(heads[-1]) :]))
    redacted = redact_lines(lines, known)
    return "\n".join(head + line for head, line in zip(heads, redacted, strict=True))


def redact_lines(lines: Sequence[Line], known: Iterable[str] = ()) -> list[str]:
    """The texts of the lines of one talk, redacted together.

    What stood beside something else may be told apart only once that is a placeholder: so as often as it changes.
    """
    texts = [line.text for line in lines]
    for _ in range(_MOST_PASSES):
        redacted = _once([Line(line.speaker, text) for line, text in zip(lines, texts, strict=True)], known)
        if redacted == texts:
            break
        texts = redacted
    return texts


def _once(lines: Sequence[Line], known: Iterable[str]) -> list[str]:
    passage = Passage(lines)
    spans = personal_data(passage, known)
    redacted = []
    for start, line in zip(passage.starts, lines, strict=True):
        end = start + len(line.text)
        mine = [
            Span(max(span.start, start) - start, min(span.end, end) - start, span.label)
            for span in spans
            if span.start < end and span.end > start
        ]
        redacted.append(_replaced(line.text, mine))
    return redacted


def names_in(lines: Sequence[Line], known: Iterable[str] = ()) -> list[str]:
    """The names that are told in a talk, so that they are found wherever else they stand."""
    passage = Passage(lines)
    found = {
        passage.text[span.start : span.end] for span in personal_data(passage, known) if span.label == NAME
    }
    return sorted(name for name in found if len(name) > 1)


def redact_url(url: str, known: Iterable[str] = ()) -> str:
    """An address with its path and its query redacted."""
    try:
        parts = urlsplit(url)
        query = parse_qsl(parts.query, keep_blank_values=True)
    except ValueError:
        return redact(url, known)
    path = [unquote(each) for each in parts.path.split("/")]
    kept_path, kept_query = redact_value([path, dict(query)], known, named=True)
    return urlunsplit(
        parts._replace(
            path="/".join(quote(each, safe=_KEPT_IN_PATHS) for each in kept_path),
            query="&".join(
                f"{quote(name, safe='')}={quote(kept_query[name], safe='[]*')}" for name, _ in query
            ),
        )
    )


def redact_value(value: Any, known: Iterable[str] = (), *, named: bool = False) -> Any:
    """JSON with every text in it redacted, those of one value together; keys and other values stay.

    A member's name says what may stand in it, as a question does; a bare `name` only where `named` says that it is a
    person's. A text that is JSON itself stays JSON.
    """
    lines, places = _lines(value, named)
    redacted = redact_lines(lines, known)
    return _rebuilt(value, iter([redacted[place] for place in places]))


def names_in_value(value: Any, known: Iterable[str] = (), *, named: bool = False) -> list[str]:
    """The names that JSON holds, so that they are found wherever else they stand; `named` as for `redact_value`."""
    return names_in(_lines(value, named)[0], known)


def _lines(value: Any, named: bool) -> tuple[list[Line], list[int]]:
    """Every text as a line with the question before it that its member's name is, and which lines are the texts."""
    lines: list[Line] = []
    places: list[int] = []
    for key, text in _texts(value, ""):
        if key and (named or key != "name"):
            lines.append(Line("key", f"{_KEY_BREAKS.sub(' ', key).strip().lower()}?"))
        places.append(len(lines))
        lines.append(Line(str(len(lines)), text))
    return lines, places


def _texts(value: Any, key: str) -> Iterator[tuple[str, str]]:
    """Every text with the member's name that it stands under."""
    match value:
        case str() if (inner := _json(value)) is not None:
            yield from _texts(inner, key)
        case str():
            yield key, value
        case dict():
            for name, inner in value.items():
                yield from _texts(inner, str(name))
        case list() | tuple():
            for inner in value:
                yield from _texts(inner, key)


def _json(text: str) -> dict[str, Any] | list[Any] | None:
    """The object or list that a text is."""
    if text[:1] not in ("{", "["):
        return None
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        return None
    return value if isinstance(value, dict | list) else None


def _rebuilt(value: Any, texts: Iterator[str]) -> Any:
    match value:
        case str() if (inner := _json(value)) is not None:
            return json.dumps(_rebuilt(inner, texts), ensure_ascii=False)
        case str():
            return next(texts)
        case dict():
            return {key: _rebuilt(inner, texts) for key, inner in value.items()}
        case list() | tuple():
            return [_rebuilt(inner, texts) for inner in value]
    return value


def personal_data(passage: Passage, known: Iterable[str]) -> list[Span]:
    """What stands where, in order and without overlap: where two rules claim a place, the more certain one has it."""
    taken: list[Span] = []
    for found in (emails(passage), numbers(passage), addresses(passage)):
        for span in found:
            taken += _free(span, taken)
    for span in names(passage, taken, known):
        taken += _free(span, taken)
    return sorted(taken)


def _free(span: Span, taken: Sequence[Span]) -> Iterator[Span]:
    """What of a span is not taken yet."""
    start = span.start
    for other in sorted(each for each in taken if each.start < span.end and each.end > span.start):
        if other.start > start:
            yield Span(start, other.start, span.label)
        start = max(start, other.end)
    if start < span.end:
        yield Span(start, span.end, span.label)


def _replaced(text: str, spans: Sequence[Span]) -> str:
    """Neighbours of one kind, with nothing but signs between, become one placeholder."""
    parts: list[str] = []
    at, before = 0, ""
    for span in spans:
        between = text[at : span.start]
        if not any(each.isalnum() for each in text[span.start : span.end]):
            continue
        if span.label == before and not any(each.isalnum() for each in between):
            at = span.end
            continue
        parts += [between, f"[{span.label}]"]
        at, before = span.end, span.label
    return "".join((*parts, text[at:]))
