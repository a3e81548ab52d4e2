"""Byte ranges of a file that is served (RFC 9110, 14): one range, or all of it."""

import re
from dataclasses import dataclass

_RANGE = re.compile(r"bytes=(\d{0,15})-(\d{0,15})")


@dataclass(frozen=True)
class Span:
    """The bytes from `start` up to `end`, exclusive."""

    start: int
    end: int

    @property
    def length(self) -> int:
        return self.end - self.start


class Unsatisfiable(Exception):
    """The range lies outside the file."""


def span_of(header: str | None, size: int) -> Span | None:
    """What a Range header asks for; None for all: no header, or one of a kind that a server may ignore.

    Raises:
        Unsatisfiable: it asks for bytes that are not there.
    """
    match = _RANGE.fullmatch(header.strip()) if header else None
    if match is None or match[1] == match[2] == "":
        return None
    first, last = match[1], match[2]
    if first and last and int(last) < int(first):
        return None  # not a range at all: to be ignored
    if not first:
        start, end = max(0, size - int(last)), size
    else:
        start, end = int(first), min(size, int(last) + 1) if last else size
    if start >= end:
        raise Unsatisfiable
    return Span(start, end)
