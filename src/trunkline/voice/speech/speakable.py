"""Text as it should be spoken. In English: telephone numbers, codes, addresses of the net, money, dates, times of day,
percentages, ordinals, units and abbreviations become words; plain quantities are left to the voice, and all else
stays as it is. In other languages telephone numbers are taken apart and every digit is left to the voice.

The transcript keeps what was written: this is for the voice alone, a piece of a reply at a time.
"""

import re
from collections.abc import Callable, Sequence
from functools import cache

from trunkline.voice.speech.speakable_amounts import ABBREVIATIONS, amounts
from trunkline.voice.speech.speakable_names import ADDRESSES, LONG, NAMES, PHONE, is_phone
from trunkline.voice.speech.speakable_numbers import groups

Rule = tuple[re.Pattern[str], Callable[[re.Match[str]], str]]

_MONTH_FIRST = ("en", "en-us", "en-ca")
"""Where 12/03/2026 is in December."""
_MARKUP = re.compile(r"(?<!\w)[*_`#]{1,3}(?=\S)|(?<=\S)[*_`]{1,3}(?!\w)")
_SPOKEN_FOR = re.compile("[\ue000-\uf8ff]")
_FIRST = 0xE000
_TWO_STOPS = re.compile(r"\b([ap]\.m\.)\.(?!\.)")


def speakable(text: str, language: str = "en") -> str:
    """The text for a voice of this language."""
    language = language.lower()
    kept: list[str] = []
    # What a rule has put into words no other rule touches: a sign of private use stands for it until the end.
    text = _MARKUP.sub("", _SPOKEN_FOR.sub("", text))
    for pattern, say in _rules(language):
        text = _put(pattern, say, text, kept)
    text = _SPOKEN_FOR.sub(lambda found: kept[ord(found[0]) - _FIRST], text)
    # "15:00." became "three p.m.", and the sentence has its own full stop.
    return " ".join(_TWO_STOPS.sub(r"\1", text).split())


def _put(pattern: re.Pattern[str], say: Callable[[re.Match[str]], str], text: str, kept: list[str]) -> str:
    return pattern.sub(lambda found: _keep(kept, found[0], say(found)), text)


def _keep(kept: list[str], written: str, said: str) -> str:
    if said == written or len(kept) > 6000:
        return written
    kept.append(said)
    return chr(_FIRST + len(kept) - 1)


@cache
def _rules(language: str) -> Sequence[Rule]:
    if language.partition("-")[0] != "en":
        return ((PHONE, _apart), (LONG, _apart))
    return (*ADDRESSES, *amounts(language not in _MONTH_FIRST), *NAMES, *ABBREVIATIONS)


def _apart(found: re.Match[str]) -> str:
    """ "0664 1234567" → "0 6 6 4, 1 2 3 4 5 6 7": read digit by digit in every language."""
    number = found[0]
    if not is_phone(number):
        return number
    parts = re.findall(r"\d+", number)
    plus = "+" if number.startswith("+") else ""
    return plus + ", ".join(" ".join(each) for each in (groups(parts[0]) if len(parts) == 1 else parts))
