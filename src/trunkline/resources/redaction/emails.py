"""E-mail addresses, written, spoken (`john dot smith at gmail dot com`) and half of each."""

import re
from collections.abc import Iterator, Sequence

from trunkline.resources.redaction.digits import number_at
from trunkline.resources.redaction.passage import FILLERS, Passage, Span

EMAIL = "EMAIL"

_WRITTEN = re.compile(r"[\w.+%'-]+@[\w-]+(?:\.[\w-]+)*\w")
_DOMAIN_ENDS = frozenset(
    [
        "com",
        "org",
        "net",
        "edu",
        "gov",
        "io",
        "co",
        "uk",
        "de",
        "fr",
        "es",
        "it",
        "nl",
        "eu",
        "us",
        "ca",
        "au",
        "in",
        "me",
        "info",
        "biz",
        "dev",
        "app",
        "ai",
        "ch",
        "at",
        "be",
        "se",
        "no",
        "br",
        "mx",
    ]
)
_PROVIDERS = frozenset(
    [
        "gmail",
        "googlemail",
        "yahoo",
        "hotmail",
        "outlook",
        "icloud",
        "aol",
        "proton",
        "protonmail",
        "live",
        "msn",
        "comcast",
        "verizon",
        "me",
        "gmx",
    ]
)
_JOINTS = frozenset(
    ["dot", "period", "underscore", "dash", "hyphen", "minus", "plus", "point", ".", "_", "-", "+"]
)
_ENDS = (
    frozenset(
        [
            "is",
            "it's",
            "its",
            "email",
            "e-mail",
            "mail",
            "address",
            "at",
            "to",
            "me",
            "my",
            "the",
            "a",
            "an",
            "on",
            "send",
            "write",
            "reach",
            "and",
            "or",
            "by",
            "with",
            "for",
            "use",
            "was",
            "be",
            "that's",
            "thats",
            "this",
            ",",
            "?",
            "!",
            ":",
            ";",
        ]
    )
    | FILLERS
)
_MOST_DOMAIN = 7
_MOST_LOCAL = 40


def emails(passage: Passage) -> Iterator[Span]:
    """Every e-mail address."""
    for found in _WRITTEN.finditer(passage.text):
        yield Span(found.start(), found.end(), EMAIL)
    for places in passage.by_speaker:
        kept = [place for place in places if passage.words[place].text not in FILLERS]
        for at in range(len(kept)):
            yield from _spoken(passage, kept, at)


def _spoken(passage: Passage, places: Sequence[int], at: int) -> Iterator[Span]:
    word = passage.words[places[at]]
    if word.text not in ("at", "@") or at == 0:
        return
    last = _domain(passage, places, at)
    if last is None:
        return
    first = _local(passage, places, at)
    if first is not None and _is_local(passage, places, first, at):
        yield from _by_line(passage, places[first : last + 1])


def _domain(passage: Passage, places: Sequence[int], at: int) -> int | None:
    """Where the domain behind `at` ends; None where there is none."""
    words = [passage.words[place].text for place in places[at + 1 : at + 1 + _MOST_DOMAIN]]
    end = None
    for number in range(1, len(words)):
        if words[number - 1] in ("dot", ".", "point", "period") and words[number] in _DOMAIN_ENDS:
            end = number
            if number >= 2 and words[number] not in ("co", "com", "org", "ac", "gov"):
                break
        elif (end is not None and words[number] not in ("dot", ".")) or words[number] in (",", "?", "!"):
            break
    if end is None and words and words[0] in _PROVIDERS:
        end = 0  # "at gmail": everybody knows the rest
    return None if end is None else at + 1 + end


def _local(passage: Passage, places: Sequence[int], at: int) -> int | None:
    """Where the part before `at` begins: joined pieces, letters and digits one by one, a word or two."""
    first, joined = at, True
    for number in range(at - 1, max(-1, at - _MOST_LOCAL), -1):
        word = passage.words[places[number]]
        text = word.text
        if not joined and word.line != passage.words[places[number + 1]].line:
            break
        if text in _JOINTS:
            joined = True
        elif not word.is_word or (text in _ENDS and not _is_character(passage, places, number)):
            break
        elif joined or _is_character(passage, places, number) or _is_character(passage, places, number + 1):
            first, joined = number, False
        elif _announced(passage, places, number):
            first = number
        else:
            break
    return first if first < at else None


def _is_local(passage: Passage, places: Sequence[int], first: int, at: int) -> bool:
    """Whether those pieces are an address's: a lone word before `at example dot com` may be `bought`."""
    if at - first > 1 or passage.words[places[at + 1]].text in _PROVIDERS:
        return True
    return not {"email", "e-mail", "mail", "address"}.isdisjoint(passage.before(places[first], 14))


def _is_character(passage: Passage, places: Sequence[int], number: int) -> bool:
    """A letter that was spelled, or a number; `i` and `a` are words where no other letter is their neighbour."""
    text = passage.words[places[number]].text
    if text in ("at", "@"):
        return False
    if text in ("i", "a"):
        beside = [
            passage.words[places[near]].text for near in (number - 1, number + 1) if 0 <= near < len(places)
        ]
        return any(len(each) == 1 and each.isalnum() for each in beside)
    return (len(text) == 1 and text.isalnum()) or bool(number_at(passage.words, places, number)[0])


def _announced(passage: Passage, places: Sequence[int], number: int) -> bool:
    """Whether words shortly before say that an address comes: then all of it up to them is one."""
    before = passage.before(places[number], 6, lines=0)
    return not {"email", "e-mail", "mail"}.isdisjoint(before) and "is" in before


def _by_line(passage: Passage, places: Sequence[int]) -> Iterator[Span]:
    by_line: dict[int, tuple[int, int]] = {}
    for place in places:
        word = passage.words[place]
        start, _ = by_line.get(word.line, (word.start, 0))
        by_line[word.line] = start, word.end
    for start, end in by_line.values():
        yield Span(start, end, EMAIL)
