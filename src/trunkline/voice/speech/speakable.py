"""Text as it should be spoken: numbers that are names (telephone, post and order codes) digit by digit, addresses
of the net as words. Quantities, money, dates and times of day are left to the voice, which reads them well.
"""

import itertools
import re

_DIGITS = ["zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine"]

_URL = re.compile(r"\b(?:https?://|www\.)[^\s<>\"']*[^\s<>\"'.,;:!?)\]]", re.IGNORECASE)
_EMAIL = re.compile(r"\b[\w.+-]+@[\w-]+(?:\.[\w-]+)+")
_PHONE = re.compile(
    r"(?<![\w.,/-])(?:\+\d{1,3}[ .-]?)?(?:\(\d{2,4}\)[ .-]?)?\d{2,4}(?:[ .-]\d{2,5}){1,4}(?![\w/-]|[.,]\d)"
)
_LONG = re.compile(r"(?<![\w.,$€£])\+?\d{7,}(?![\w%]|[.,]\d)")
_ZIP = re.compile(r"\b([A-Z]{2}|zip(?: code)?|postcode|postal code) (\d{5})(?:-(\d{4}))?\b", re.IGNORECASE)
_CODE = re.compile(r"(?<![\w.])(?=[A-Z0-9-]*[0-9])(?=[A-Z0-9-]*[A-Z])[A-Z0-9]+(?:-[A-Z0-9]+)*(?![\w%])")
_NAMED = re.compile(
    r"\b((?:order|code|reference|confirmation|account|booking|ticket|room|suite|extension|ext|pin)"
    r"(?: (?:number|code|id|no))?\.?(?: is)?:? #?)(\d{3,})(?!\w|[.,]\d)",
    re.IGNORECASE,
)
_MARKUP = re.compile(r"[*_`#]{1,3}(?=\S)|(?<=\S)[*_`]{1,3}")
_WORD_OR_UNIT = re.compile(r".*[A-Z]{4}|\d+(?:ST|ND|RD|TH|AM|PM|KG|KM|CM|MM|MB|GB|K|M|S|H)$")

_SYMBOLS = {".": "dot", "@": "at", "-": "dash", "_": "underscore", "/": "slash", "+": "plus", ":": "colon"}


def speakable(text: str, language: str = "en") -> str:
    """The text for a voice that reads plain English."""
    text = _URL.sub(lambda found: _address(re.sub(r"^https?://", "", found[0], flags=re.I)), text)
    text = _EMAIL.sub(lambda found: _address(found[0]), text)
    text = _ZIP.sub(_zip, text)
    text = _NAMED.sub(lambda found: found[1] + digits(found[2]), text)
    text = _PHONE.sub(_phone, text)
    text = _LONG.sub(lambda found: _plus(found[0]) + grouped(re.sub(r"\D", "", found[0])), text)
    text = _CODE.sub(_code, text)
    return " ".join(_MARKUP.sub("", text).split())


def digits(number: str) -> str:
    """Digit by digit: "94" → "nine four"."""
    return " ".join(_DIGITS[int(each)] for each in number)


def grouped(number: str) -> str:
    """Digits in groups that can be followed: ten as 3-3-4, others by threes, never one alone at the end."""
    if len(number) == 10:
        cuts = [0, 3, 6, 10]
    elif len(number) == 11:
        cuts = [0, 1, 4, 7, 11]
    else:
        cuts = [*range(0, len(number) - 1, 3), len(number)]
    return ", ".join(digits(number[a:b]) for a, b in itertools.pairwise(cuts))


def _plus(number: str) -> str:
    return "plus " if number.startswith("+") else ""


def _phone(found: re.Match[str]) -> str:
    number = found[0]
    groups = re.findall(r"\d+", number)
    # Two short numbers beside each other ("10 20") are no telephone number; a year range or a date is not either.
    if sum(map(len, groups)) < 7 or re.fullmatch(r"\d{4}-\d{2}-\d{2}|\d{4}-\d{4}", number):
        return number
    return _plus(number) + ", ".join(map(digits, groups))


def _zip(found: re.Match[str]) -> str:
    more = f", {digits(found[3])}" if found[3] else ""
    return f"{found[1]} {digits(found[2])}{more}"


def _code(found: re.Match[str]) -> str:
    code = found[0]
    if _WORD_OR_UNIT.match(code):
        return code
    return ", ".join(" ".join(_spelled(each) for each in group) for group in code.split("-"))


def _spelled(character: str) -> str:
    return _DIGITS[int(character)] if character.isdigit() else character


def _address(address: str) -> str:
    """ "mail@example.com" → "mail at example dot com"; "www" letter by letter."""
    words = []
    for piece in re.findall(r"[A-Za-z]+|\d+|[^A-Za-z\d]", address):
        if piece.isdigit():
            words.append(digits(piece))
        elif piece.isalpha():
            words.append(
                " ".join(piece.upper()) if piece.lower() in ("www", "io", "uk", "eu", "us") else piece
            )
        elif piece in _SYMBOLS:
            words.append(_SYMBOLS[piece])
    return " ".join(words)
