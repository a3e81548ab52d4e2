"""Putting placeholders where personal data stood."""

import re
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from trunkline.resources.redaction.addresses import addresses
from trunkline.resources.redaction.emails import emails
from trunkline.resources.redaction.names import names
from trunkline.resources.redaction.numbers import numbers
from trunkline.resources.redaction.passage import Line, Passage, Span

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
    """The texts of the lines of one talk, redacted together."""
    passage = Passage(lines)
    spans = _spans(passage, known)
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


def redact_value(value: Any, known: Iterable[str] = ()) -> Any:
    """JSON with every text in it redacted, those of one value together; keys and other values stay."""
    texts = list(_texts(value))
    redacted = iter(redact_lines([Line(str(number), text) for number, text in enumerate(texts)], known))
    return _rebuilt(value, redacted)


def _texts(value: Any) -> Iterator[str]:
    match value:
        case str():
            yield value
        case dict():
            for inner in value.values():
                yield from _texts(inner)
        case list() | tuple():
            for inner in value:
                yield from _texts(inner)


def _rebuilt(value: Any, texts: Iterator[str]) -> Any:
    match value:
        case str():
            return next(texts)
        case dict():
            return {key: _rebuilt(inner, texts) for key, inner in value.items()}
        case list() | tuple():
            return [_rebuilt(inner, texts) for inner in value]
    return value


def _spans(passage: Passage, known: Iterable[str]) -> list[Span]:
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
