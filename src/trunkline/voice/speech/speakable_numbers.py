"""Numbers as English words."""

import itertools

DIGITS = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")
_TEENS = (
    "ten", "eleven", "twelve", "thirteen", "fourteen", "fifteen", "sixteen", "seventeen", "eighteen", "nineteen",
)  # fmt: skip
_TENS = ("twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety")
_SCALES = ((10**12, "trillion"), (10**9, "billion"), (10**6, "million"), (1000, "thousand"), (100, "hundred"))
_ORDINALS = {
    "one": "first", "two": "second", "three": "third", "five": "fifth", "eight": "eighth", "nine": "ninth",
    "twelve": "twelfth",
}  # fmt: skip
LONGEST = 15
"""Digits of the longest number that has words here."""


def cardinal(number: int) -> str:
    """1234 → "one thousand two hundred thirty-four". Up to LONGEST digits, not negative."""
    if number < 10:
        return DIGITS[number]
    if number < 20:
        return _TEENS[number - 10]
    if number < 100:
        tens = _TENS[number // 10 - 2]
        return f"{tens}-{DIGITS[number % 10]}" if number % 10 else tens
    size, name = next((size, name) for size, name in _SCALES if number >= size)
    head = f"{cardinal(number // size)} {name}"
    return f"{head} {cardinal(number % size)}" if number % size else head


def ordinal(number: int) -> str:
    """22 → "twenty-second"."""
    words = cardinal(number)
    at = max(words.rfind(" "), words.rfind("-")) + 1
    head, last = words[:at], words[at:]
    if last.endswith("y"):
        return f"{head}{last[:-1]}ieth"
    return head + _ORDINALS.get(last, f"{last}th")


def decimal(number: str) -> str:
    """ "1,234.50" → words; what follows the point digit by digit."""
    whole, point, rest = number.replace(",", "").partition(".")
    words = cardinal(int(whole or "0"))
    return f"{words} point {digits(rest)}" if point and rest else words


def year(number: int) -> str:
    """As years are said: 1905 → "nineteen oh five", 2026 → "twenty twenty-six"."""
    century, rest = divmod(number, 100)
    if not 1100 <= number <= 2099 or 2000 <= number <= 2009:
        return cardinal(number)
    if rest == 0:
        return f"{cardinal(century)} hundred"
    return f"{cardinal(century)} {'oh ' if rest < 10 else ''}{cardinal(rest)}"


def digits(number: str) -> str:
    """Digit by digit: "94" → "nine four"."""
    return " ".join(DIGITS[int(each)] for each in number)


def grouped(number: str) -> str:
    """Digits in groups that can be followed: ten as 3-3-4, others by threes, never one alone at the end."""
    return ", ".join(digits(each) for each in groups(number))


def groups(number: str) -> list[str]:
    """The groups of `grouped`, as digits."""
    if len(number) == 10:
        cuts = [0, 3, 6, 10]
    elif len(number) == 11:
        cuts = [0, 1, 4, 7, 11]
    else:
        cuts = [*range(0, len(number) - 1, 3), len(number)]
    return [number[a:b] for a, b in itertools.pairwise(cuts)]
