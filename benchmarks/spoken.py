"""How numbers and addresses are said aloud, as a recogniser writes it: no capitals, no signs."""

from random import Random

ONES = ["zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine"]
_TEENS = [
    "ten",
    "eleven",
    "twelve",
    "thirteen",
    "fourteen",
    "fifteen",
    "sixteen",
    "seventeen",
    "eighteen",
    "nineteen",
]
_TENS = ["-", "-", "twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety"]


def plain(text: str) -> str:
    """As a recogniser without capitals and signs writes it."""
    return "".join(each for each in text.lower() if each.isalnum() or each in " '")


def spoken_digits(digits: str, dice: Random | None = None) -> str:
    """Digit by digit; with `dice` sometimes in pairs, with `oh` and with `double`."""
    way = dice.randrange(4) if dice else 0
    if way == 1:
        return " ".join("oh" if digit == "0" else ONES[int(digit)] for digit in digits)
    if way == 2 and len(digits) % 2 == 0:
        pairs = [digits[at : at + 2] for at in range(0, len(digits), 2)]
        return " ".join(
            spoken_number(int(pair)) if pair[0] != "0" else f"oh {ONES[int(pair[1])]}" for pair in pairs
        )
    words, at = [], 0
    while at < len(digits):
        double = way == 3 and at + 1 < len(digits) and digits[at] == digits[at + 1]
        words.append(f"double {ONES[int(digits[at])]}" if double else ONES[int(digits[at])])
        at += 2 if double else 1
    return " ".join(words)


def spoken_number(number: int) -> str:
    """Below a hundred, in words."""
    if number < 10:
        return ONES[number]
    if number < 20:
        return _TEENS[number - 10]
    return _TENS[number // 10] + (f" {ONES[number % 10]}" if number % 10 else "")


def house_number(number: int) -> str:
    """`twelve forty two`, `forty two`."""
    if number < 100:
        return spoken_number(number)
    low = f"oh {ONES[number % 100]}" if number % 100 < 10 else spoken_number(number % 100)
    return f"{spoken_number(number // 100)} {'hundred' if number % 100 == 0 else low}"


def spoken_address(address: str, dice: Random) -> str:
    """An email address: letters together or one by one, signs by name."""
    local, domain = address.split("@")
    words = []
    for piece in local.replace(".", " dot ").replace("_", " underscore ").split():
        letters = "".join(each for each in piece if each.isalpha())
        digits = "".join(each for each in piece if each.isdigit())
        words.append(
            " ".join(letters) if dice.random() < 0.2 and piece not in ("dot", "underscore") else letters
        )
        if digits:
            words.append(spoken_digits(digits))
    end = domain.replace(".", " dot ").replace("-", " dash ")
    return " ".join([*words, "at", *end.split()])
