"""Runs of digits, written or spoken, within a turn and over turns of one party."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from trunkline.resources.redaction.passage import FILLERS, Passage, Word

_ONES = {
    word: str(value)
    for value, word in enumerate(
        ["zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine"]
    )
} | {"oh": "0", "o": "0", "nought": "0"}
_TEENS = {
    word: str(value)
    for value, word in enumerate(
        [
            "ten",
            "eleven",
            "twelve",
            "thirteen",
            "fourteen",
            "fifteen",
            "sixteen",
            "seventeen",
            "eighteen",
            "nineteen",
        ],
        10,
    )
}
_TENS = {
    word: value
    for value, word in enumerate(
        ["twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety"], 2
    )
} | {"fourty": 4}
_REPEATS = {"double": 2, "triple": 3}
_MAGNITUDES = {"hundred": "00", "thousand": "000"}
_BETWEEN = (
    frozenset(
        ["-", "–", ".", ",", "(", ")", "/", "…", "dash", "hyphen", "slash", "space", "point", "area", "code"]
    )
    | FILLERS
)
_STOPS = frozenset("?!;:")
MOST_DIGITS = 40
_MOST_LINES = 4
"""So many lines may a run go over, those of the other party counted."""


@dataclass(frozen=True)
class Piece:
    """What was said as one: `4111`, `four`, `double two`, `twenty seven`."""

    digits: str
    first: int
    """Place of its first word in the passage."""
    last: int


@dataclass
class Run:
    """Pieces with nothing but fillers between."""

    pieces: list[Piece] = field(default_factory=list)
    plus: bool = False
    """A plus stands before it."""

    @property
    def digits(self) -> str:
        return "".join(piece.digits for piece in self.pieces)


def number_at(words: Sequence[Word], places: Sequence[int], at: int) -> tuple[str, int]:
    """The digits that begin at `places[at]` and how many places they take; ("", 0) where none do."""
    word = words[places[at]].text
    following = words[places[at + 1]].text if at + 1 < len(places) else ""
    if word.isascii() and word.isdigit():
        return word, 1
    if word in _REPEATS and following in _ONES:
        return _ONES[following] * _REPEATS[word], 2
    if word in _TEENS:
        return _with_magnitude(_TEENS[word], following)
    if word in _TENS:
        return _tens(words, places, at)
    if word in _ONES:
        return _with_magnitude(_ONES[word], following)
    return "", 0


def _tens(words: Sequence[Word], places: Sequence[int], at: int) -> tuple[str, int]:
    tens = _TENS[words[places[at]].text]
    rest = [words[place].text for place in places[at + 1 : at + 3]]
    hyphen = rest[:1] == ["-"]
    one = rest[1:2] if hyphen else rest[:1]
    if one and one[0] in _ONES and _ONES[one[0]] != "0":
        return f"{tens}{_ONES[one[0]]}", 3 if hyphen else 2
    return f"{tens}0", 1


def _with_magnitude(digits: str, following: str) -> tuple[str, int]:
    zeros = _MAGNITUDES.get(following, "")
    return digits + zeros, 2 if zeros else 1


def runs(passage: Passage) -> Iterator[Run]:
    """All runs of digits of a passage."""
    for places in passage.by_speaker:
        yield from _runs(passage, places)


def _runs(passage: Passage, places: Sequence[int]) -> Iterator[Run]:
    words = passage.words
    run, at, plus = Run(), 0, False
    while at < len(places):
        word = words[places[at]]
        digits, taken = number_at(words, places, at)
        if digits and not (word.text == "o" and not run.pieces):
            if run.pieces and (
                word.line - words[run.pieces[-1].last].line > _MOST_LINES
                or len(run.digits) + len(digits) > MOST_DIGITS
            ):
                yield run
                run = Run()
            if not run.pieces:
                run.plus = plus
            run.pieces.append(Piece(digits, places[at], places[at + taken - 1]))
            at += taken
            continue
        plus = word.text in ("+", "plus")
        # "+" within a run begins another number.
        if run.pieces and (plus or word.text in _STOPS or word.text not in _BETWEEN):
            yield run
            run = Run()
        at += 1
    if run.pieces:
        yield run
