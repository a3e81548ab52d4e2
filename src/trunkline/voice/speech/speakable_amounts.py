"""Money, dates, times of day, percentages, ordinals, units and abbreviations as English words."""

import re
from collections.abc import Callable

from trunkline.voice.speech.speakable_numbers import cardinal, decimal, ordinal, year

Match = re.Match[str]
Rule = tuple[re.Pattern[str], Callable[[Match], str]]

_NUMBER = r"(?:\d{1,3}(?:,\d{3}){1,4}|\d{1,12})(?:\.\d{1,6})?"
_BEFORE = r"(?<![\w.,:/$€£¥-])"
_AFTER = r"(?![\w/:-]|[.,]\d)"

# ---- money ----

_SIGNS = {"$": "dollar", "€": "euro", "£": "pound", "¥": "yen", "₹": "rupee"}
_CODES = {"USD": "dollar", "EUR": "euro", "GBP": "pound", "JPY": "yen", "INR": "rupee", "CHF": "franc"}
_SMALL = {"dollar": ("cent", "cents"), "euro": ("cent", "cents"), "pound": ("penny", "pence")}
_SCALE = r"(?: (thousand|million|billion|trillion)\b)?"
_SIGNED = re.compile(rf"(?<![\w.,/])([$€£¥₹]) ?({_NUMBER}){_SCALE}{_AFTER}", re.ASCII)
_CODED = re.compile(rf"{_BEFORE}({_NUMBER}){_SCALE} ?(USD|EUR|GBP|JPY|INR|CHF|€)(?!\w)", re.ASCII)


def _money(number: str, scale: str | None, unit: str) -> str:
    whole, _, rest = number.replace(",", "").partition(".")
    if scale:
        return f"{decimal(number)} {scale} {_many(unit)}"
    if rest and (len(rest) != 2 or unit not in _SMALL):
        return f"{decimal(number)} {_many(unit)}"
    main = f"{cardinal(int(whole))} {unit if int(whole) == 1 else _many(unit)}"
    if not int(rest or "0"):
        return main
    small = f"{cardinal(int(rest))} {_SMALL[unit][int(rest) != 1]}"
    return small if int(whole) == 0 else f"{main} and {small}"


def _many(unit: str) -> str:
    return unit if unit == "yen" else f"{unit}s"


# ---- dates and times ----

_MONTHS = (
    "January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November",
    "December",
)  # fmt: skip
_SHORT = {name[:3]: name for name in _MONTHS} | {"Sept": "September"}
_MONTH = rf"({'|'.join(_MONTHS)}|(?:{'|'.join(each for each in _SHORT if each != 'May')})\b\.?)"
_DAY = r"(\d{1,2})(?:st|nd|rd|th)?"
_ISO = re.compile(rf"{_BEFORE}(\d{{4}})-(\d\d)-(\d\d){_AFTER}", re.ASCII)
_SLASHED = re.compile(rf"{_BEFORE}(\d{{1,2}})/(\d{{1,2}})/(\d{{4}}){_AFTER}", re.ASCII)
_MONTH_FIRST = re.compile(rf"\b{_MONTH} {_DAY}\b(?:,? (\d{{4}})\b)?{_AFTER}", re.ASCII)
_DAY_FIRST = re.compile(rf"{_BEFORE}(the )?{_DAY} (?:of )?{_MONTH}(?:,? (\d{{4}})\b)?(?!\w)", re.ASCII)
_TIME = re.compile(rf"{_BEFORE}(\d{{1,2}}):(\d\d)(?: ?([AaPp])\.?[Mm]\b\.?)?{_AFTER}", re.ASCII)
_HOUR = re.compile(rf"{_BEFORE}(\d{{1,2}}) ?([AaPp])\.?[Mm]\b\.?{_AFTER}", re.ASCII)


def _date(day: int, month: int, years: str | None, otherwise: str) -> str:
    if not (1 <= month <= 12 and 1 <= day <= 31):
        return otherwise
    said = f"{_MONTHS[month - 1]} {ordinal(day)}"
    return f"{said}, {year(int(years))}" if years else said


def _iso(found: Match) -> str:
    return _date(int(found[3]), int(found[2]), found[1], found[0])


def _slashed(day_first: bool) -> Callable[[Match], str]:
    def say(found: Match) -> str:
        first, second = int(found[1]), int(found[2])
        day, month = (first, second) if (day_first and second <= 12) or first > 12 else (second, first)
        return _date(day, month, found[3], found[0])

    return say


def _month_number(name: str) -> int:
    name = name.rstrip(".")
    return _MONTHS.index(_SHORT.get(name, name)) + 1


def _month_first(found: Match) -> str:
    # "We may 5": a bare day behind May is too seldom a date to risk it without a year or an ending.
    if found[1] == "May" and not found[3] and found[0][-1].isdigit():
        return found[0]
    return _date(int(found[2]), _month_number(found[1]), found[3], found[0])


def _day_first(found: Match) -> str:
    day = int(found[2])
    if not 1 <= day <= 31:
        return found[0]
    said = f"the {ordinal(day)} of {_MONTHS[_month_number(found[3]) - 1]}"
    return f"{said}, {year(int(found[4]))}" if found[4] else said


def _time(found: Match) -> str:
    hour, minute, half = int(found[1]), int(found[2]), (found[3] or "").lower()
    if hour > 23 or minute > 59 or (half and not 1 <= hour <= 12):
        return found[0]
    if not half and (hour > 12 or hour == 0):
        half, hour = ("p", hour - 12) if hour > 12 else ("a", 12)
    words = [cardinal(hour)]
    if minute:
        words.append(f"oh {cardinal(minute)}" if minute < 10 else cardinal(minute))
    elif not half:
        words.append("o'clock")
    return " ".join([*words, f"{half}.m."] if half else words)


def _hour(found: Match) -> str:
    hour = int(found[1])
    return f"{cardinal(hour)} {found[2].lower()}.m." if 1 <= hour <= 12 else found[0]


# ---- measures ----

_UNITS = {
    "km/h": ("kilometer an hour", "kilometers an hour"), "mph": ("mile an hour", "miles an hour"),
    "km": ("kilometer", ""), "cm": ("centimeter", ""), "mm": ("millimeter", ""), "m": ("meter", ""),
    "kg": ("kilogram", ""), "mg": ("milligram", ""), "g": ("gram", ""), "ml": ("milliliter", ""),
    "l": ("liter", ""), "L": ("liter", ""), "lb": ("pound", ""), "lbs": ("pound", ""), "oz": ("ounce", ""),
    "ft": ("foot", "feet"), "mi": ("mile", ""), "min": ("minute", ""), "hr": ("hour", ""), "hrs": ("hour", ""),
    "sec": ("second", ""), "kWh": ("kilowatt hour", ""), "kW": ("kilowatt", ""), "MB": ("megabyte", ""),
    "GB": ("gigabyte", ""), "TB": ("terabyte", ""), "°C": ("degree Celsius", "degrees Celsius"),
    "°F": ("degree Fahrenheit", "degrees Fahrenheit"), "°": ("degree", ""),
}  # fmt: skip
_UNIT = "|".join(re.escape(each) for each in sorted(_UNITS, key=len, reverse=True))
_RANGE = rf"(?:({_NUMBER}) ?[-–] ?)?([-−]?{_NUMBER})"
_MEASURE = re.compile(rf"{_BEFORE}{_RANGE} ?({_UNIT})(?![\w/°])", re.ASCII)
_PERCENT = re.compile(rf"{_BEFORE}{_RANGE} ?%", re.ASCII)
_ORDINAL = re.compile(r"(?<![\w.,])(\d{1,6})(st|nd|rd|th)\b", re.ASCII)


def _amount(low: str | None, high: str) -> str:
    sign = "minus " if high[0] in "-−" else ""
    said = sign + decimal(high.lstrip("-−"))
    return f"{decimal(low)} to {said}" if low else said


def _measure(found: Match) -> str:
    one, many = _UNITS[found[3]]
    return f"{_amount(found[1], found[2])} {one if found[2] == '1' and not found[1] else many or one + 's'}"


# ---- abbreviations ----

_TITLES = {"Dr": "Doctor", "Mr": "Mister", "Mrs": "Missus", "Prof": "Professor", "St": "Saint"}
_TITLE = re.compile(rf"\b({'|'.join(_TITLES)})\. ?(?=[A-Z])", re.ASCII)
_STREETS = {"St": "Street", "Ave": "Avenue", "Blvd": "Boulevard", "Rd": "Road"}
_STREET = re.compile(rf"(?<=[a-z0-9\ue000-\uf8ff] )({'|'.join(_STREETS)})\.(?! [A-Z])", re.ASCII)
_SHORTS = {
    "e.g.": "for example", "i.e.": "that is", "etc.": "et cetera", "approx.": "approximately", "vs.": "versus",
    "dept.": "department", "Dept.": "Department", "tel.": "telephone", "Tel.": "Telephone",
    "Inc.": "Incorporated", "Ltd.": "Limited",
}  # fmt: skip
_SHORTENED = re.compile(
    rf"(?<![\w.])({'|'.join(re.escape(each) for each in _SHORTS)})(?!\w)(?=(\s*$)?)", re.ASCII
)
_NUMERO = re.compile(r"\b([Nn]o)\. ?(?=\d)", re.ASCII)
_AND = re.compile(r"(?<=\w )&(?= \w)")


def _shortened(found: Match) -> str:
    """The full stop of a sentence that ends with an abbreviation stays."""
    return _SHORTS[found[1]] + ("." if found[2] is not None else "")


def amounts(day_first: bool) -> tuple[Rule, ...]:
    """The rules in their order; `day_first`: 12/03/2026 is in March."""
    return (
        (_ISO, _iso),
        (_SLASHED, _slashed(day_first)),
        (_MONTH_FIRST, _month_first),
        (_DAY_FIRST, _day_first),
        (_TIME, _time),
        (_HOUR, _hour),
        (_SIGNED, lambda found: _money(found[2], found[3], _SIGNS[found[1]])),
        (_CODED, lambda found: _money(found[1], found[2], (_CODES | _SIGNS)[found[3]])),
        (_PERCENT, lambda found: f"{_amount(found[1], found[2])} percent"),
        (_MEASURE, _measure),
        (_ORDINAL, lambda found: ordinal(int(found[1]))),
    )


ABBREVIATIONS: tuple[Rule, ...] = (
    (_TITLE, lambda found: f"{_TITLES[found[1]]} "),
    (_STREET, lambda found: _STREETS[found[1]]),
    (_SHORTENED, _shortened),
    (_NUMERO, lambda found: f"{found[1]}".replace("o", "umber ")),
    (_AND, lambda found: "and"),
)
