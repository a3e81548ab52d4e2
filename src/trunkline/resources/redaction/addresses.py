"""Postal addresses: a house number, a street, and what follows of flat, town, state and code."""

import re
from collections.abc import Iterator

from trunkline.resources.redaction.digits import number_at
from trunkline.resources.redaction.passage import FILLERS, Passage, Span, words_of

ADDRESS = "ADDRESS"

_STREETS = words_of(
    "street st avenue ave road rd drive dr lane ln boulevard blvd court ct way place pl circle cir terrace ter "
    "parkway pkwy highway hwy square sq trail trl alley crescent close row broadway mews gardens grove hill "
    "turnpike plaza loop run path walk"
)
_DOUBTFUL = words_of(
    "way place close row run path walk loop court drive hill square circle st dr grove plaza"
)
"""Words of streets that mean other things as well: they count with a capital, or where an address is spoken of."""
_NOT_BETWEEN = words_of(
    "in on at the is a an to for my your our by it i we you minute minutes hour hours mile miles day days week weeks "
    "people dollars percent am pm of was and or with from that this if but not years year times"
)
_STATES = words_of(
    "alabama alaska arizona arkansas california colorado connecticut delaware florida georgia hawaii idaho illinois "
    "indiana iowa kansas kentucky louisiana maine maryland massachusetts michigan minnesota mississippi missouri "
    "montana nebraska nevada ohio oklahoma oregon pennsylvania tennessee texas utah vermont virginia washington "
    "wisconsin wyoming"
)
_TWO_WORDS = ("new hampshire", "new jersey", "new mexico", "new york", "north carolina", "north dakota",
              "rhode island", "south carolina", "south dakota", "west virginia")  # fmt: skip
_ABBREVIATED = words_of(
    "AL AK AZ AR CA CO CT DE FL GA HI ID IL IN IA KS KY LA ME MD MA MI MN MS MO MT NE NV NH NJ NM NY NC ND OH OK OR "
    "PA RI SC SD TN TX UT VT VA WA WV WI WY DC"
)
_SIDES = words_of("north south east west northeast northwest southeast southwest n s e w ne nw se sw")
_UNITS = words_of("apartment apt suite ste unit flat floor room # number no lot")
_CUES = words_of("address live lives living located deliver delivered delivery ship shipped mailing street")
_ZIP_CUES = words_of("zip zipcode postal postcode")
_NEAR = 16
_STREET_WORDS = 4
_CITY_WORDS = 3

_ELSEWHERE = re.compile(
    r"\b(?:"
    r"[Pp]\.?\s?[Oo]\.?\s?[Bb]ox\s+#?\d+"
    r"|(?:[A-ZÄÖÜ][\w-]*(?:straße|strasse|str\.|weg|platz|allee|gasse|ring|damm)|[A-ZÄÖÜ]\w+(?:er|sche)?"
    r" (?:Straße|Strasse|Weg|Platz|Allee|Ring|Damm))\s+\d+\s?[a-z]?\b(?:,?\s+(?:in\s+)?\d{5}(?:\s+[A-ZÄÖÜ]\w+)?)?"
    r"|[A-Z]{1,2}\d[A-Z\d]?\s?\d[A-Z]{2}\b"
    r")"
)


class _Place:
    """A reader that goes over the words of one line."""

    def __init__(self, passage: Passage, at: int) -> None:
        self.passage = passage
        self.at = at
        line = passage.words[at].line
        self.end = at
        while self.end < len(passage.words) and passage.words[self.end].line == line:
            self.end += 1
        self.last = at

    def text(self, ahead: int = 0) -> str:
        return self.passage.words[self.at + ahead].text if self.at + ahead < self.end else ""

    def raw(self, ahead: int = 0) -> str:
        return self.passage.words[self.at + ahead].raw if self.at + ahead < self.end else ""

    def capital(self, ahead: int = 0) -> bool:
        return self.at + ahead < self.end and self.passage.words[self.at + ahead].capital

    def digits(self) -> str:
        """The digits that begin here, several pieces with nothing between, taken."""
        found = ""
        while self.at < self.end:
            places = range(self.at, self.end)
            digits, taken = number_at(self.passage.words, places, 0)
            if not digits:
                break
            found += digits
            self.take(taken)
        return found

    def take(self, count: int = 1) -> None:
        self.at += count
        self.last = self.at - 1

    def skip(self, *signs: str) -> None:
        while self.text() in signs:
            self.at += 1


def addresses(passage: Passage) -> Iterator[Span]:
    """Every postal address, and codes of places told on their own."""
    for found in _ELSEWHERE.finditer(passage.text):
        yield Span(found.start(), found.end(), ADDRESS)
    at = 0
    while at < len(passage.words):
        last = _address(passage, at) or _town_with_code(passage, at) or _code(passage, at)
        if last is not None and last >= at:
            yield Span(passage.words[at].start, passage.words[last].end, ADDRESS)
            at = last
        at += 1


def _address(passage: Passage, at: int) -> int | None:
    """The last word of an address whose house number begins at `at`."""
    if at and passage.words[at - 1].raw in "$€£":
        return None
    place = _Place(passage, at)
    house = place.digits()
    if not house or len(house) > 6:
        return None
    if re.fullmatch(r"[A-Za-z]", place.raw()) and place.raw() not in "aI":
        place.take()
    if not _street(place, at):
        return None
    _rest(place)
    return place.last


def _street(place: _Place, at: int) -> bool:
    """Takes the words of a street; False where none stands here."""
    told = not _CUES.isdisjoint(place.passage.before(at, _NEAR))
    mail = not {"email", "e-mail"}.isdisjoint(place.passage.before(at, 6))
    cased = place.passage.cased[place.passage.words[at].line]
    for ahead in range(_STREET_WORDS + 1):
        text = place.text(ahead)
        if text == "way" and not ahead:
            break
        if (
            not text
            or (text in _NOT_BETWEEN and not (ahead and place.capital(ahead)))
            or not (text[0].isalnum() or text == ".")
        ):
            break
        if text in _STREETS and (ahead or text == "broadway"):
            # "Hill Street": the last word of the kind is the street's.
            if place.text(ahead + 1) in _STREETS and place.text(ahead + 1) not in ("st", "dr"):
                ahead += 1
            if (
                text in _DOUBTFUL
                and not told
                and not (cased and place.capital(ahead))
                and not _goes_on(place, ahead)
            ):
                break
            place.take(ahead + 1)
            place.skip(".")
            return True
    if told and not mail and cased and place.capital() and place.text() not in _MONTHS:
        while place.capital() and place.at - at < _STREET_WORDS:
            place.take()
        return True
    return False


def _goes_on(place: _Place, ahead: int) -> bool:
    """Whether a flat, a town with its state or a code follows the street's last word."""
    probe = _Place(place.passage, place.at)
    probe.take(ahead + 1)
    last = probe.last
    if probe.at < probe.end:
        _rest(probe)
    return probe.last > last


_MONTHS = words_of(
    "january february march april may june july august september october november december am pm"
)


def _rest(place: _Place) -> None:
    """Side, flat, town, state and code, as far as they follow."""
    if place.text() in _SIDES:
        place.take()
    mark = place.at
    place.skip(",", "in", *FILLERS)
    if place.text() in _UNITS:
        place.take()
        place.skip("number", "#")
        if (not place.digits() and len(place.text()) <= 2) or (
            len(place.raw()) == 1 and place.raw() not in (",", ".", "a", "I", "-", "?")
        ):
            place.take()
        mark = place.at
    place.at = mark
    _town(place)


def _town(place: _Place) -> bool:
    """Takes town, state and code. A town counts by its capital behind a comma, or by the state behind it."""
    mark = place.at
    comma = place.text() in (",", "in")
    place.skip(",", "in", ".")
    for words in range(1, _CITY_WORDS + 1):
        if not place.text(words - 1) or not place.text(words - 1)[0].isalpha():
            break
        ahead = words + 1 if place.text(words) == "," else words
        if state := _state(place, ahead):
            place.take(ahead + state)
            place.skip(",")
            _zip(place)
            return True
        if ahead > words:
            break
    if state := _state(place, 0):
        place.take(state)
        _zip(place)
        return True
    taken = 0
    while comma and place.capital() and taken < _CITY_WORDS and place.raw() != "I":
        place.take()
        taken += 1
    if taken or _is_zip(place):
        place.skip(",")
        _zip(place)
    else:
        place.at = mark
    return False


def _state(place: _Place, ahead: int) -> int:
    """How many words a state that stands there has."""
    if f"{place.text(ahead)} {place.text(ahead + 1)}" in _TWO_WORDS:
        return 2
    return int(place.text(ahead) in _STATES or place.raw(ahead) in _ABBREVIATED)


def _is_zip(place: _Place) -> bool:
    probe = _Place(place.passage, place.at) if place.at < place.end else None
    return probe is not None and len(probe.digits()) in (5, 9)


def _zip(place: _Place) -> None:
    mark, last = place.at, place.last
    place.skip(",", "zip", "code", *FILLERS)
    if place.at >= place.end or len(place.digits()) not in (5, 9):
        place.at, place.last = mark, last


def _town_with_code(passage: Passage, at: int) -> int | None:
    """`Springfield, Illinois 62704`, told on its own."""
    word = passage.words[at]
    if not word.is_word or word.text in _NOT_BETWEEN or word.text.isdigit():
        return None
    place = _Place(passage, at)
    if passage.cased[word.line] and not word.capital:
        return None
    return (
        place.last if _town(place) and number_at(passage.words, range(place.last, place.end), 0)[0] else None
    )


def _code(passage: Passage, at: int) -> int | None:
    """A code of five digits where one is spoken of."""
    place = _Place(passage, at)
    if len(place.digits()) not in (5, 9):
        return None
    return None if _ZIP_CUES.isdisjoint(passage.before(at, 8)) else place.last
