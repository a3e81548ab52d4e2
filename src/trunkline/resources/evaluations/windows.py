"""How much of a talk fits into one question: a slot of the local model server holds 8,192 tokens (decision 11)."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

WINDOW_TOKENS = 3000
"""Of transcript in one question. What else is in it: instructions, actions, the question, and 800 for the answer."""
_OVERLAP_LINES = 2
_CUT = " […] "
_DIGIT = re.compile(rb"\d")


@dataclass(frozen=True)
class Window:
    """A piece of a transcript."""

    text: str
    number: int = 1
    of: int = 1


def tokens(text: str) -> int:
    """An upper estimate: three bytes a token (English has four, Chinese about three), a token for each digit."""
    data = text.encode()
    digits = len(_DIGIT.findall(data))
    return digits + (len(data) - digits + 2) // 3


def clipped(text: str, most: int) -> str:
    """The text with its middle left out where it has more than `most` tokens."""
    if tokens(text) <= most:
        return text
    half = most // 2
    return _head(text, half) + _CUT + _head(text[::-1], half)[::-1]


def windows(transcript: str, most: int = WINDOW_TOKENS) -> list[Window]:
    """The transcript in pieces of at most `most` tokens, cut between lines; a piece begins with the last lines of
    the one before. [] for a transcript without words."""
    pieces: list[list[str]] = []
    piece: list[str] = []
    size = 0
    for line in _lines(transcript, most // 4):
        if piece and size + tokens(line) + 1 > most:
            pieces.append(piece)
            piece = piece[-_OVERLAP_LINES:]
            size = sum(tokens(each) + 1 for each in piece)
        piece.append(line)
        size += tokens(line) + 1
    if piece:
        pieces.append(piece)
    return [Window("\n".join(each), number, len(pieces)) for number, each in enumerate(pieces, 1)]


def _lines(transcript: str, most: int) -> Iterator[str]:
    """The lines that have words; one that is too long goes on in another."""
    for line in transcript.splitlines():
        rest = line.strip()
        while rest:
            head = _head(rest, most)
            yield head
            rest = rest[len(head) :].lstrip()


def _head(text: str, most: int) -> str:
    """The longest beginning of at most `most` tokens, at least one character."""
    least, longest = 1, len(text)
    while least < longest:
        middle = (least + longest + 1) // 2
        if tokens(text[:middle]) <= most:
            least = middle
        else:
            longest = middle - 1
    return text[:least]
