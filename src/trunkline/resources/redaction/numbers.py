"""Cards, social security numbers and phones: runs of digits, told apart by their form and by the words before them."""

import re
from collections.abc import Iterator, Sequence

import phonenumbers

from trunkline.resources.redaction.digits import Piece, Run, number_at, runs
from trunkline.resources.redaction.passage import Passage, Span

CARD, SSN, PHONE = "CARD", "SSN", "PHONE"

_CUES: dict[str, frozenset[str]] = {
    CARD: frozenset(["card", "cards", "visa", "mastercard", "amex", "discover", "debit", "credit"]),
    SSN: frozenset(["social", "ssn"]),
    PHONE: frozenset(["phone", "telephone", "cell", "cellphone", "mobile", "landline", "call", "calling", "dial", "reach", "text", "fax", "callback", "contact"]),
    "cvv": frozenset(["cvv", "cvc", "cvv2", "cvc2", "csc", "security", "verification"]),
    "expiry": frozenset(["expiry", "expiration", "expires", "expire", "expiring", "exp", "valid"]),
    "other": frozenset(
        ["order", "tracking", "confirmation", "reference", "ticket", "case", "invoice", "policy", "booking", "reservation", "member", "membership", "serial", "part", "model", "sku", "flight", "code", "pin", "version", "id", "claim", "routing", "isbn"]
    ),
}  # fmt: skip
_CUE_OF = {word: cue for cue, words in _CUES.items() for word in words}
_NEAR = 14
"""Words before a run that may say what it is."""
_REGIONS = ("US", "GB", "DE", "FR", "ES", "IT", "NL", "AU", "IN", "BR", "MX")
"""Whose national numbers are known without their country's code."""
_MONTHS = [
    "january",
    "february",
    "march",
    "april",
    "may",
    "june",
    "july",
    "august",
    "september",
    "october",
    "november",
    "december",
    "jan",
    "feb",
    "mar",
    "apr",
    "jun",
    "jul",
    "aug",
    "sep",
    "sept",
    "oct",
    "nov",
    "dec",
]
_LAST_FOUR = frozenset(["last", "ending", "ends", "end", "final"])
_EXPIRY_REACH = 8
_SHORTEST_PART = 4


def numbers(passage: Passage) -> Iterator[Span]:
    """Every card with expiry and code, social security number and phone; also parts of one that were said again."""
    rest: list[Run] = []
    values: dict[str, str] = {}
    for run in runs(passage):
        left: list[Piece] = []
        for pieces, label in _told_apart(passage, run):
            if label:
                values["".join(piece.digits for piece in pieces)] = label
                yield from _spans(passage, pieces, label)
            else:
                left += pieces
        if left:
            rest.append(Run(left))
    for run in rest:
        label = next((label for value, label in values.items() if run.digits in value), "")
        if label and len(run.digits) >= _SHORTEST_PART:
            yield from _spans(passage, run.pieces, label)
    yield from _written_out(passage)
    yield from _expiries(passage)


def _told_apart(passage: Passage, run: Run) -> Iterator[tuple[Sequence[Piece], str]]:
    """The run cut into what is a number of ours and what is not ("")."""
    pieces, at = run.pieces, 0
    after_card = False
    while at < len(pieces):
        size, label = _longest(passage, run, at)
        if after_card and not label:  # expiry and code, told in one breath with the card
            yield pieces[at:], CARD if len("".join(each.digits for each in pieces[at:])) <= 8 else ""
            return
        yield pieces[at : at + size], label
        after_card = label == CARD
        at += size


def _longest(passage: Passage, run: Run, at: int) -> tuple[int, str]:
    """How many pieces from there on make up a number, the longest first, and what it is."""
    cue = _cue(passage, run.pieces[at].first)
    for end in range(len(run.pieces), at, -1):
        pieces = run.pieces[at:end]
        digits = "".join(piece.digits for piece in pieces)
        whole = at == 0 and end == len(run.pieces)
        if label := _label(digits, pieces, cue, whole, run.plus and at == 0):
            return len(pieces), label
        if whole and label != SSN and _last_four(passage, run, cue):
            return len(pieces), SSN if cue == SSN else CARD
    return 1, ""


def _label(digits: str, pieces: Sequence[Piece], cue: str, whole: bool, plus: bool) -> str:
    count = len(digits)
    if 13 <= count <= 19 and digits[0] in "23456" and (_luhn(digits) or (cue == CARD and count in (15, 16))):
        return CARD
    if count == 9 and (cue == SSN or (whole and [len(each.digits) for each in pieces] == [3, 2, 4])):
        return SSN
    if whole and count in (3, 4) and cue == "cvv":
        return CARD
    if whole and 3 <= count <= 8 and cue == "expiry":
        return CARD
    if cue not in ("other", "cvv", SSN) and _is_phone(digits, cue == PHONE, whole, plus):
        return PHONE
    return ""


def _luhn(digits: str) -> bool:
    """The check digit of ISO/IEC 7812."""
    total = sum(int(digit) for digit in digits[-1::-2])
    return (total + sum(sum(divmod(2 * int(digit), 10)) for digit in digits[-2::-2])) % 10 == 0


def _is_phone(digits: str, named: bool, whole: bool, plus: bool) -> bool:
    if plus:
        return 8 <= len(digits) <= 15 and whole
    if len(digits) == 7:
        return named and whole and digits[0] in "23456789"
    if not 9 <= len(digits) <= 13 or (not named and len(digits) < 10):
        return False
    if digits[0] != "0" and len(digits) == 10:
        # Films and examples use 555, which no plan has as valid.
        return bool(re.fullmatch(r"[2-9]\d\d[2-9]\d{6}", digits)) or named
    if len(digits) == 11 and digits[0] == "1":
        return digits[1] in "23456789"
    return any(_valid(digits, region) for region in _REGIONS) if digits[0] == "0" or named else False


def _valid(digits: str, region: str) -> bool:
    try:
        return phonenumbers.is_valid_number(phonenumbers.parse(digits, region))
    except phonenumbers.NumberParseException:
        return False


def _last_four(passage: Passage, run: Run, cue: str) -> bool:
    """`The last four of my social are 6789`, `the card ending in 4242`."""
    if len(run.digits) != 4 or cue not in (SSN, CARD):
        return False
    return not _LAST_FOUR.isdisjoint(passage.before(run.pieces[0].first, _NEAR))


def _cue(passage: Passage, at: int) -> str:
    """What the nearest words before place `at` say of a number there: of this line, else of the one before."""
    before = passage.before(at, _NEAR)
    for number, word in enumerate(before):
        cue = _CUE_OF.get(word, "")
        if word == "security" and "social" in before[number + 1 : number + 2]:
            return SSN
        if word == "code" and "area" in before[number + 1 : number + 2]:
            return PHONE
        if word in ("code", "digits") and not {"security", "back", "verification"}.isdisjoint(before):
            return "cvv"
        if word == "back" and "digits" in before[number : number + 6]:
            return "cvv"
        if cue and not (word == "id" and "caller" in before[number + 1 : number + 2]):
            return cue
        if word == "number" and before[number + 1 : number + 2] == ["my"]:
            return PHONE
    return ""


def _spans(passage: Passage, pieces: Sequence[Piece], label: str) -> Iterator[Span]:
    """One for each line that the pieces stand in."""
    words = passage.words
    by_line: dict[int, tuple[int, int]] = {}
    for piece in pieces:
        first, last = words[piece.first], words[piece.last]
        start, _ = by_line.get(first.line, (first.start, 0))
        by_line[first.line] = start, last.end
    for start, end in by_line.values():
        if passage.text[start - 1 : start] in ("(", "+"):
            start -= 1
        yield Span(start, end, label)


def _written_out(passage: Passage) -> Iterator[Span]:
    """Phones as their countries write them; those that the rules for runs do not know."""
    for region in (None, "US", "GB"):
        for found in phonenumbers.PhoneNumberMatcher(passage.text, region):
            first = next((at for at, word in enumerate(passage.words) if word.start >= found.start), None)
            if first is not None and _cue(passage, first) not in ("other", SSN, CARD):
                yield Span(found.start, found.end, PHONE)


def _expiries(passage: Passage) -> Iterator[Span]:
    """`Expires in September 2027`: a month by name and a year behind a word of expiry."""
    words = passage.words
    for at, word in enumerate(words):
        if word.text in _MONTHS and "expiry" in (
            _CUE_OF.get(each) for each in passage.before(at, _EXPIRY_REACH)
        ):
            last = at
            places = range(at + 1, len(words))
            while last + 1 < len(words) and words[last + 1].line == word.line:
                digits, taken = number_at(words, places, last - at)
                if not digits and words[last + 1].text not in ("of", ",", "and", "the"):
                    break
                last += taken or 1
            yield Span(word.start, words[last].end, CARD)
