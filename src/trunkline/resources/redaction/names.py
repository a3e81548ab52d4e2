"""Names of people: by what is said before them, by lists, spelled, and wherever a name that was told comes again."""

import re
from collections.abc import Iterable, Sequence

from trunkline.resources.redaction.digits import number_at
from trunkline.resources.redaction.name_words import (
    ASKED,
    BEFORE_DATES,
    COMPANY,
    DOUBTFUL,
    LEAD_IN,
    LIKELY,
    NO_NAMES,
    NOT_ASKED,
    PARTICLES,
    SEASONS,
    SPELLING,
    STOPS,
    SURE,
    TITLES,
    first_names,
    surnames,
)
from trunkline.resources.redaction.passage import FILLERS, Passage, Span

NAME = "NAME"

_MOST_WORDS = 4
_SPELLED_LETTERS = 3
_MOST_LINES = 4


def names(passage: Passage, taken: Sequence[Span], known: Iterable[str] = ()) -> list[Span]:
    """Every name outside of what is `taken`; `known` ones wherever they stand."""
    reader = _Reader(passage, taken)
    reader.read()
    reader.spelled()
    reader.again(known)
    return reader.spans()


class _Reader:
    """The words of a passage that belong to names, as they are found."""

    def __init__(self, passage: Passage, taken: Sequence[Span]) -> None:
        self._passage = passage
        self._words = passage.words
        covered = [False] * len(passage.words)
        spans = sorted(taken)
        number = 0
        for at, word in enumerate(passage.words):
            while number < len(spans) and spans[number].end <= word.start:
                number += 1
            covered[at] = number < len(spans) and spans[number].start < word.end
        self._covered = covered
        self._found = [False] * len(passage.words)

    def spans(self) -> list[Span]:
        return [
            Span(word.start, word.end, NAME)
            for word, found in zip(self._words, self._found, strict=True)
            if found
        ]

    # ---- one at a time ----

    def read(self) -> None:
        """What cues and lists tell."""
        at = 0
        while at < len(self._words):
            last = self._name_at(at)
            if last is None:
                at += 1
                continue
            for place in range(at, last + 1):
                self._found[place] = True
            at = last + 1
        for line in range(1, len(self._passage.lines)):
            self._answer(line)

    def _name_at(self, at: int) -> int | None:
        """The last word of a name that begins there."""
        word = self._words[at]
        if not self._usable(at) or not word.text[0].isalpha():
            return None
        start = self._passage.starts[word.line]
        before = self._passage.text[max(start, word.start - 60) : word.start]
        if SURE.search(before):
            return self._sure(at)
        if self._is_first(at):
            return self._follow(at, sure=False)
        if word.capital and self._cased(at) and LIKELY.search(before) and self._may_be(at):
            last = self._follow(at, sure=True)
            if self._passage.opens(at) or self._is_company(last):
                return None
            listed = {each.text for each in self._words[at : last + 1]} & (first_names() | surnames())
            return last if listed or self._greets(before, last) else None
        return None

    def _greets(self, before: str, last: int) -> bool:
        """An unlisted word with a capital behind `this is`, `hi` …: a name where the phrase ends with it."""
        following = self._words[last + 1] if last + 1 < len(self._words) else None
        ends = following is None or following.line != self._words[last].line or not following.is_word
        goes_on = following is not None and following.text in (
            "speaking",
            "here",
            "from",
            "calling",
            "and",
            "again",
        )
        phrase = re.search(
            r"(?:this is|i'm|i am|hi|hello|hey|dear|thanks|thank you|it's|you|bye|goodbye),?\s*$",
            before,
            re.I,
        )
        return phrase is not None and (ends or goes_on)

    def _sure(self, at: int) -> int | None:
        """A name is awaited here."""
        word = self._words[at]
        if (
            word.text in STOPS
            or word.text in COMPANY
            or number_at(self._words, range(at, len(self._words)), 0)[0]
        ):
            return None
        cased = self._cased(at)
        if cased and not word.capital and word.text not in PARTICLES:
            return None
        if cased and word.text in NO_NAMES and word.text not in first_names():
            return None
        if not cased and not self._stands_for_name(at):
            return None
        last = self._follow(at, sure=True)
        return None if self._is_company(last) else last

    def _stands_for_name(self, at: int) -> bool:
        """In lower case: a listed name, or anything behind `name is` and `mister`."""
        word = self._words[at]
        if word.text in first_names() or word.text in surnames():
            return True
        if self._usable(at + 1) and self._words[at + 1].line == word.line:
            following = self._words[at + 1].text
            if following in surnames() and following not in STOPS:
                return True
        before = self._passage.text[self._passage.starts[word.line] : word.start].rstrip().lower()
        return bool(re.search(r"(?:name is|name's|call me|mister|mr\.?|mrs\.?|ms\.?|surname is)$", before))

    def _is_first(self, at: int) -> bool:
        word = self._words[at]
        if word.text not in first_names():
            return False
        cased = self._cased(at)
        if word.text not in DOUBTFUL:
            return word.capital or not cased
        if cased and word.capital and not self._is_date(at):
            return not self._passage.opens(at) or self._surname_follows(at)
        return (
            not cased
            and self._surname_follows(at)
            and word.text not in ("will", "may", "mark", "van", "long")
        )

    def _is_date(self, at: int) -> bool:
        """`in May`, `April 5th`."""
        word = self._words[at].text
        if word not in SEASONS:
            return False
        following = self._words[at + 1].text if at + 1 < len(self._words) else ""
        previous = self._passage.before(at, 1, lines=0)
        return following[:1].isdigit() or not BEFORE_DATES.isdisjoint(previous)

    def _surname_follows(self, at: int) -> bool:
        if not self._usable(at + 1) or self._words[at + 1].line != self._words[at].line:
            return False
        following = self._words[at + 1]
        if following.text in STOPS or following.text in COMPANY:
            return False
        return following.capital if self._cased(at) else following.text in surnames()

    def _follow(self, at: int, sure: bool) -> int:
        """The last word of the name whose first stands there."""
        last = at
        line, cased = self._words[at].line, self._cased(at)
        place = at + 1
        while place < len(self._words) and self._words[place].line == line and place - at < 2 * _MOST_WORDS:
            word = self._words[place]
            if word.text in (".", "-", "'") and self._joins(place):
                place += 1
                continue
            if not self._usable(place) or not word.text[0].isalpha():
                break
            if word.text in STOPS or (word.text in NO_NAMES and word.text not in surnames()):
                break
            particle = word.text in PARTICLES and self._usable(place + 1)
            if cased and not word.capital and not particle:
                break
            if (
                not cased
                and not particle
                and not (last == at and self._closes(place))
                and word.text not in surnames()
                and word.text not in first_names()
                and len(word.text) != 1
            ):
                break
            if not particle:
                last = place
            place += 1
        return last

    def _closes(self, place: int) -> bool:
        """In lower case: the last word of its line, or of the phrase it stands in."""
        if len(self._words[place].text) <= 2 or place - 1 < 0:
            return False
        following = self._words[place + 1] if place + 1 < len(self._words) else None
        return following is None or following.line != self._words[place].line or following.text in STOPS

    def _joins(self, place: int) -> bool:
        """A dot behind an initial or a title, a hyphen within a name."""
        previous = self._words[place - 1]
        joined = place + 1 < len(self._words) and self._words[place + 1].line == previous.line
        if self._words[place].raw == ".":
            return joined and (len(previous.text) == 1 or previous.text in TITLES)
        return joined and self._words[place + 1].start == self._words[place].end == previous.end + 1

    # ---- whole lines ----

    def _answer(self, line: int) -> None:
        """A line that answers the question for a name."""
        asked = self._passage.lines[line - 1]
        if asked.speaker == self._passage.lines[line].speaker:
            return
        question = asked.text[-120:]
        if not ASKED.search(question) or NOT_ASKED.search(question):
            return
        places = [at for at, word in enumerate(self._words) if word.line == line]
        while places and self._words[places[0]].text in LEAD_IN | FILLERS:
            places.pop(0)
        if not places or self._found[places[0]] or not self._usable(places[0]):
            return
        first = self._words[places[0]]
        alone = len([at for at in places if self._words[at].is_word]) <= 3
        if first.text in STOPS or not first.text[0].isalpha() or len(first.text) < 2:
            return
        if (first.capital and first.text not in NO_NAMES) or (alone and not self._cased(places[0])):
            last = self._follow(places[0], sure=True)
            if alone and not self._cased(places[0]):
                last = max(
                    last, *(at for at in places if self._usable(at) and self._words[at].text not in STOPS)
                )
            for place in range(places[0], last + 1):
                self._found[place] = self._found[place] or self._usable(place)

    # ---- all over the passage ----

    def spelled(self) -> None:
        """Letters one by one, `s as in sam` and `double l` too, where a name is spoken of; over turns as well."""
        for places in self._passage.by_speaker:
            at = 0
            while at < len(places):
                letters, end = self._letters(places, at)
                if letters and (len(letters) >= _SPELLED_LETTERS) and self._is_spelling(letters[0]):
                    for place in range(letters[0], letters[-1] + 1):
                        same = self._passage.lines[self._words[place].line].speaker
                        mine = same == self._passage.lines[self._words[letters[0]].line].speaker
                        self._found[place] = self._found[place] or (mine and self._usable(place))
                at = max(end, at + 1)

    def _letters(self, places: Sequence[int], at: int) -> tuple[list[int], int]:
        """Places of the letters that begin there, and where they end."""
        letters: list[int] = []
        words = self._words
        while at < len(places):
            word = words[places[at]]
            if letters and word.line - words[letters[-1]].line > _MOST_LINES:
                break
            if len(word.text) == 1 and word.text.isalpha() and self._usable(places[at]):
                letters.append(places[at])
                at += 1
                following = [words[place].text for place in places[at : at + 2]]
                if following in (["as", "in"], ["like", "in"]):
                    letters.append(places[min(at + 2, len(places) - 1)])
                    at += 3
                elif following[:1] == ["for"] and len(following) == 2:
                    letters.append(places[at + 1])
                    at += 2
            elif word.text == "double" and at + 1 < len(places) and len(words[places[at + 1]].text) == 1:
                letters.append(places[at])
                at += 1
            elif letters and (word.text in FILLERS or word.text in "-,.…" or word.text in ("and", "then")):
                at += 1
            else:
                break
        return letters, at

    def _is_spelling(self, at: int) -> bool:
        before = self._passage.before(at, 14)
        near = at and any(self._found[max(0, at - 4) : at])
        return near or not SPELLING.isdisjoint(before)

    def again(self, known: Iterable[str]) -> None:
        """Names that were found, and known ones, wherever else they stand."""
        told = {
            word.text
            for word, found in zip(self._words, self._found, strict=True)
            if found and len(word.text) > 2 and word.text not in STOPS | PARTICLES | TITLES
        }
        told |= {part for name in known for part in re.findall(r"[^\W\d_]{3,}", name.lower())} - STOPS
        for at, word in enumerate(self._words):
            bare = word.text.removesuffix("'s")
            if bare in told and self._usable(at) and (word.capital or not self._cased(at)):
                doubtful = bare in DOUBTFUL | NO_NAMES
                if not doubtful or (word.capital and not self._passage.opens(at) and not self._is_date(at)):
                    self._found[at] = True

    # ---- words ----

    def _usable(self, at: int) -> bool:
        return at < len(self._words) and self._words[at].is_word and not self._covered[at]

    def _cased(self, at: int) -> bool:
        return self._passage.cased[self._words[at].line]

    def _may_be(self, at: int) -> bool:
        text = self._words[at].text
        return len(text) > 1 and text not in NO_NAMES and text not in STOPS and not self._is_date(at)

    def _is_company(self, last: int) -> bool:
        following = self._words[last + 1].text if last + 1 < len(self._words) else ""
        return self._words[last].text in COMPANY or following in COMPANY
