"""Names made of digits and signs, in English: telephone, post and order codes, addresses of the net."""

import re

from trunkline.voice.speech.speakable_numbers import DIGITS, digits, grouped

Match = re.Match[str]

_URL = re.compile(r"\b(?:https?://|www\.)[^\s<>\"']*[^\s<>\"'.,;:!?)\]]", re.IGNORECASE | re.ASCII)
_EMAIL = re.compile(r"\b[\w.+-]+@[\w-]+(?:\.[\w-]+)+", re.ASCII)
PHONE = re.compile(
    r"(?<![\w.,/-])(?:\+\d{1,3}[ .-]?)?(?:\(\d{2,4}\)[ .-]?)?\d{2,4}(?:[ .-]\d{2,8}){1,4}(?![\w/-]|[.,]\d)",
    re.ASCII,
)
LONG = re.compile(r"(?<![\w.,$€£])\+?\d{7,}(?![\w%]|[.,]\d)", re.ASCII)
_ZIP = re.compile(
    r"\b([A-Z]{2}|(?i:zip(?: code)?|postcode|postal code)),? (\d{5})(?:-(\d{4}))?\b(?![.,]\d)", re.ASCII
)
_CODE = re.compile(
    r"(?<![\w.])(?=[A-Z0-9-]*[0-9])(?=[A-Z0-9-]*[A-Z])[A-Z0-9]+(?:-[A-Z0-9]+)*(?![\w%])", re.ASCII
)
_NAMED = re.compile(
    r"\b((?:order|code|reference|confirmation|account|booking|ticket|room|suite|extension|ext|pin)"
    r"(?: (?:number|code|id|no))?\.?(?: is)?:? #?)(\d{3,})(?!\w|[.,]\d)",
    re.IGNORECASE | re.ASCII,
)
_WORD_OR_UNIT = re.compile(r".*[A-Z]{4}|\d+(?:ST|ND|RD|TH|AM|PM|KG|KM|CM|MM|MB|GB|K|M|S|H)$")
_YEARS = re.compile(r"\d{4}-\d{4}|\d{4}-\d\d-\d\d|\d{1,2}([.-])\d{1,2}\1\d{4}", re.ASCII)
_SYMBOLS = {".": "dot", "@": "at", "-": "dash", "_": "underscore", "/": "slash", "+": "plus", ":": "colon"}
_LETTERED = ("www", "io", "uk", "eu", "us")


def is_phone(number: str) -> bool:
    """Two short numbers beside each other ("10 20") are no telephone number; a range of years or a date is not either."""
    return len(re.sub(r"\D", "", number)) >= 7 and not _YEARS.fullmatch(number)


def _plus(number: str) -> str:
    return "plus " if number.startswith("+") else ""


def _phone(found: Match) -> str:
    number = found[0]
    if not is_phone(number):
        return number
    return _plus(number) + ", ".join(map(digits, re.findall(r"\d+", number)))


def _long(found: Match) -> str:
    return _plus(found[0]) + grouped(re.sub(r"\D", "", found[0]))


def _zip(found: Match) -> str:
    more = f", {digits(found[3])}" if found[3] else ""
    return f"{found[1]} {digits(found[2])}{more}"


def _code(found: Match) -> str:
    code = found[0]
    if _WORD_OR_UNIT.match(code):
        return code
    return ", ".join(" ".join(_spelled(each) for each in group) for group in code.split("-"))


def _spelled(character: str) -> str:
    return DIGITS[int(character)] if character.isdigit() else character


def _address(address: str) -> str:
    """ "mail@example.com" → "mail at example dot com"; "www" letter by letter."""
    words = []
    for piece in re.findall(r"[A-Za-z]+|[0-9]+|[^A-Za-z0-9]", address):
        if piece in _SYMBOLS:
            words.append(_SYMBOLS[piece])
        elif piece.isdigit():
            words.append(digits(piece))
        elif piece.isalpha():
            words.append(" ".join(piece.upper()) if piece.lower() in _LETTERED else piece)
    return " ".join(words)


def _named(found: Match) -> str:
    return found[1] + digits(found[2])


def _url(found: Match) -> str:
    return _address(re.sub(r"^https?://", "", found[0], flags=re.IGNORECASE))


ADDRESSES = ((_URL, _url), (_EMAIL, lambda found: _address(found[0])))
NAMES = ((_ZIP, _zip), (_NAMED, _named), (PHONE, _phone), (LONG, _long), (_CODE, _code))
