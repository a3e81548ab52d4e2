"""What was said, as words with places: the form in which all rules read it."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

_OPAQUE = r"\[[A-Z]+\]|https?://\S+|\b[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}\b"
"""Placeholders, addresses of the web and ids: each one thing, and never a part of a value."""
_WORD = re.compile(rf"{_OPAQUE}|[^\W_]+(?:['’][^\W\d_]+)*|[^\w\s]|_")
_IS_OPAQUE = re.compile(_OPAQUE)


def words_of(text: str) -> frozenset[str]:
    """The words of a list that is written as one text."""
    return frozenset(text.split())


FILLERS = words_of("um uh er erm uhm hmm mhm okay ok yeah yes yep right sure so then and well like go ahead")
"""Words that come between the pieces of one value and are no part of it."""


class Line(NamedTuple):
    """What one party said in one breath."""

    speaker: str
    text: str


class Span(NamedTuple):
    """From one place of the passage to another, and what stands there: `CARD`, `NAME` …"""

    start: int
    end: int
    label: str


@dataclass(frozen=True, slots=True)
class Word:
    """A word, a number or a sign."""

    raw: str
    text: str
    """In lower case."""
    start: int
    end: int
    line: int
    is_word: bool
    """Letters or digits; no sign, and nothing opaque."""

    @property
    def capital(self) -> bool:
        return self.raw[0].isupper()


class Passage:
    """Lines of one talk, or one text, with a line break between two lines."""

    def __init__(self, lines: Sequence[Line]) -> None:
        self.lines = lines
        self.text = "\n".join(line.text for line in lines)
        self.starts: list[int] = []
        at = 0
        for line in lines:
            self.starts.append(at)
            at += len(line.text) + 1

    @cached_property
    def words(self) -> list[Word]:
        """All of them, in the order they were said."""
        return [
            Word(
                found[0],
                found[0].lower().replace("’", "'"),
                start + found.start(),
                start + found.end(),
                number,
                found[0][0].isalnum() and not _IS_OPAQUE.fullmatch(found[0]),
            )
            for number, (start, line) in enumerate(zip(self.starts, self.lines, strict=True))
            for found in _WORD.finditer(line.text)
        ]

    @cached_property
    def by_speaker(self) -> list[list[int]]:
        """For each party the places of its words in `words`."""
        streams: dict[str, list[int]] = {}
        for at, word in enumerate(self.words):
            streams.setdefault(self.lines[word.line].speaker, []).append(at)
        return list(streams.values())

    @cached_property
    def cased(self) -> list[bool]:
        """For each line, whether it is written with capitals; one that is not tells no name by them."""
        return [any(letter.isupper() for letter in line.text) for line in self.lines]

    def before(self, at: int, count: int, lines: int = 1) -> list[str]:
        """The last `count` words before place `at`, nearest first, of this line and so many before it."""
        found: list[str] = []
        first = self.words[at].line - lines
        for word in reversed(self.words[max(0, at - 3 * count) : at]):
            if word.line < first or len(found) == count:
                break
            if word.is_word:
                found.append(word.text)
        return found

    def opens(self, at: int) -> bool:
        """Whether the word there begins a line or a sentence."""
        return at == 0 or self.words[at - 1].line != self.words[at].line or self.words[at - 1].raw in ".?!"
