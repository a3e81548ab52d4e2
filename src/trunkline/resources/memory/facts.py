"""What a memory is made of: short facts about one contact, each from one talk; how new ones join those that are known."""

import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime

MOST_FACTS = 30
MOST_LETTERS = 3000
"""Of a whole memory: some 750 tokens of every prompt."""
LONGEST_FACT = 200
"""Letters."""

# A fact is written into prompts: on one line, without what could be markup, a heading, or a hole to fill.
_SIGNS = re.compile(r"[\x00-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff<>{}\[\]`#*|\\]+")


@dataclass(frozen=True)
class Fact:
    """One fact as it is kept."""

    text: str
    said_at: datetime
    """When the talk began that it comes from."""
    seq: int = 0
    """Of its row, in the order they were written; 0 for one that is not written yet."""


@dataclass(frozen=True)
class Change:
    """What a talk does to a memory."""

    gone: frozenset[int]
    """Rows of facts that are no longer true, or for which there is no more room."""
    new: tuple[str, ...]
    facts: tuple[Fact, ...]
    """All that is known after it, the oldest first."""


def tidy(text: str) -> str:
    """A fact as it may be kept: one line of plain words, cut where it is too long; perhaps nothing is left."""
    words = _SIGNS.sub(" ", text).split()
    return " ".join(words)[:LONGEST_FACT].strip(" -–—:•")


def merged(known: Sequence[Fact], found: Sequence[str], outdated: Collection[int], at: datetime) -> Change:
    """Facts found in a talk that began `at`, taken into what is known.

    `outdated`: rows that the talk contradicts. A fact of a later talk stands, whatever an earlier one says. What is
    known already is not written twice; when it is too much, the oldest goes.
    """
    stale = {each.seq for each in known if each.seq in outdated and each.said_at <= at}
    kept = [each for each in known if each.seq not in stale]
    seen = {_key(each.text) for each in kept}
    new = []
    for text in map(tidy, found):
        if _key(text) and _key(text) not in seen:
            seen.add(_key(text))
            new.append(Fact(text, at))
    facts = sorted([*kept, *new], key=lambda each: each.said_at)
    while len(facts) > MOST_FACTS or len(rendered(facts)) > MOST_LETTERS:
        facts.pop(0)
    left = {each.seq for each in facts}
    return Change(
        gone=frozenset(each.seq for each in known if each.seq not in left),
        new=tuple(each.text for each in facts if each.seq == 0),
        facts=tuple(facts),
    )


def rendered(facts: Sequence[Fact]) -> str:
    """The facts as one text: a line each, with the day on which it was said."""
    return "\n".join(f"- {each.said_at:%Y-%m-%d}: {each.text}" for each in facts)


def _key(text: str) -> str:
    """What two wordings of one fact have in common: letters and digits."""
    return "".join(filter(str.isalnum, text.casefold()))
