"""Sentences and small talks with personal data in them, made by a seed: what was put in, and where, is known.

Two halves that share no sentence and no name: rules are tuned on one, figures are of the other. Half of the values
are spoken, some over turns, and about a quarter of the sentences hold none.
"""

from calendar import month_name
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from random import Random

from benchmarks.spoken import ONES, house_number, plain, spoken_address, spoken_digits, spoken_number
from trunkline.resources.redaction.passage import Line

_MONTHS = month_name[1:]


class Half(StrEnum):
    """What a sentence is for."""

    TUNING = "tuning"
    REPORTING = "reporting"


@dataclass(frozen=True)
class Item:
    """A value that has to go: where in which line, of which kind, and whether it was spoken."""

    line: int
    start: int
    end: int
    label: str
    spoken: bool


@dataclass
class Sample:
    """Lines of a talk, and the values in them."""

    lines: list[Line] = field(default_factory=list)
    items: list[Item] = field(default_factory=list)

    def say(self, speaker: str, *parts: "str | Value") -> None:
        """A line of texts and values, with a blank between where none is written."""
        text = ""
        for part in parts:
            said = part if isinstance(part, str) else part.text
            text += said if not text or text[-1] in " (" or said[:1] in ".,?!" else f" {said}"
            if isinstance(part, Value):
                self.items.append(
                    Item(len(self.lines), len(text) - len(said), len(text), part.label, part.spoken)
                )
        self.lines.append(Line(speaker, text))


@dataclass(frozen=True)
class Value:
    """A piece of personal data."""

    label: str
    text: str
    spoken: bool = False


_FIRST = {
    Half.TUNING: "James Mary Robert Patricia Jennifer Michael Linda David Elizabeth Susan Jessica Thomas Karen Daniel "
    "Nancy Matthew Betty Anthony Sandra Donald Ashley Steven Kimberly Andrew Emily Joshua Donna Kenneth Michelle "
    "Carol George Amanda Timothy Melissa Ronald Deborah Jason Stephanie Ryan Rebecca Jacob Laura Gary Anjali Chinedu "
    "Mateo Yuki Ingrid Omar",
    Half.REPORTING: "Oluwaseun Nguyet Agnieszka Siobhan Xiuying Ramón Fatima Jürgen Priyanka Kwabena Lakshmi Tomás "
    "Solveig Hiroshi Zainab Dmitri Eleni Santiago Wanjiru Rafael Charlotte Benjamin Samantha Gregory Christine "
    "Raymond Catherine Patrick Janet Alexander Heather Dennis Diane Jerry Julie Tyler Joyce Aaron Victoria Jose Kelly "
    "Adam Christina Nathan Joan Henry Evelyn Douglas Lauren Zachary Judith Peter Megan Kyle Cheryl Walter Andrea",
}
_LAST = {
    Half.TUNING: "Smith Johnson Williams Brown Jones Garcia Miller Davis Rodriguez Martinez Hernandez Lopez Wilson "
    "Anderson Thomas Taylor Moore Jackson Martin Lee Thompson Harris Clark Lewis Robinson Raman Okafor Suzuki Haddad",
    Half.REPORTING: "Adeyemi Nguyen Kowalczyk O'Leary Zhang Ibáñez El-Sayed Weiß Deshpande Mensah Narayanan Herrera "
    "Solheim Tanaka Petrov Papadakis Kamau Walker Young Allen King Wright Scott Torres Hill Flores Green Adams Nelson "
    "Baker Hall Rivera Campbell Mitchell Carter Roberts Gomez Phillips Evans Turner Diaz Parker Cruz Edwards Collins",
}
_STREETS = {
    Half.TUNING: "Oak Maple Cedar Pine Elm Washington Lake Hill Park Sunset",
    Half.REPORTING: "Willow Chestnut Magnolia Jefferson Birch Highland Ridge Mulberry Franklin Poplar",
}
_KINDS = {
    Half.TUNING: "Street,Avenue,Road,Drive,Lane",
    Half.REPORTING: "Boulevard,Court,Street,Avenue,Terrace,Place",
}
_CITIES = {
    Half.TUNING: "Springfield,Illinois,IL|Austin,Texas,TX|Portland,Oregon,OR|Columbus,Ohio,OH",
    Half.REPORTING: "Boise,Idaho,ID|Tampa,Florida,FL|Madison,Wisconsin,WI|Santa Fe,New Mexico,NM|Omaha,Nebraska,NE",
}
_DOMAINS = {
    Half.TUNING: "gmail.com yahoo.com example.org acme-mail.com",
    Half.REPORTING: "outlook.com hotmail.com example.net mail.example.co.uk fastpost.io",
}


def samples(half: Half, count: int, seed: int = 34) -> Iterator[Sample]:
    """So many, the same for the same seed."""
    maker = _Maker(half, Random(f"{seed} {half}"))
    for _ in range(count):
        yield maker.sample()


class _Maker:
    """Makes values and puts them into sentences."""

    def __init__(self, half: Half, dice: Random) -> None:
        self.half = half
        self.dice = dice

    def sample(self) -> Sample:
        makers: Sequence[Callable[[Sample, bool], None]] = (
            self.card, self.ssn, self.phone, self.email, self.name, self.address, self.spelled, self.nothing, self.nothing,
        )  # fmt: skip
        made = Sample()
        self.dice.choice(makers)(made, self.dice.random() < 0.5)
        return made

    def _of(self, tuning: Sequence[str], reporting: Sequence[str], spoken: bool) -> tuple[str, str]:
        """The words before and after a value."""
        chosen = self.dice.choice(tuning if self.half is Half.TUNING else reporting)
        before, _, after = chosen.partition("*")
        if spoken:
            before, after = plain(before), plain(after)
        return before.strip(), after.strip()

    def _put(self, made: Sample, before: str, value: Value, after: str) -> None:
        parts = [part for part in (before, value, after) if part]
        made.say("human", *parts)

    # ---- kinds ----

    def card(self, made: Sample, spoken: bool) -> None:
        digits = _luhn("".join(self.dice.choices("0123456789", k=14)), self.dice.choice("45"))
        expiry, code = self._expiry(spoken), "".join(self.dice.choices("0123456789", k=3))
        if spoken and self.dice.random() < 0.5:
            self._card_over_turns(made, digits, expiry, code)
            return
        before, after = self._of(
            ("My card number is*", "Sure, it's a Visa,*", "You can charge*please.", "The card is*"),
            (
                "Please put it on*",
                "Okay, my Mastercard is*",
                "Here's the number of my credit card:*",
                "It's*, go ahead.",
            ),
            spoken,
        )
        number = Value("CARD", self._digits(digits, (4, 4, 4, 4), spoken), spoken)
        parts: list[str | Value] = [part for part in (before, number, after) if part]
        if self.dice.random() < 0.6:
            first, second = self._of(
                ("expires*CVV", "expiring*security code is"), ("valid thru*and the CVC is", "the expiration date is*the security code"), spoken
            )  # fmt: skip
            parts += [
                first,
                Value("CARD", expiry, spoken),
                second,
                Value("CARD", spoken_digits(code) if spoken else code, spoken),
            ]
        made.say("human", *parts)

    def _card_over_turns(self, made: Sample, digits: str, expiry: str, code: str) -> None:
        made.say(
            "bot", "What is your card number?" if self.half is Half.TUNING else "Which card shall I charge?"
        )
        for at in range(0, 16, 8):
            made.say("human", Value("CARD", spoken_digits(digits[at : at + 8]), True))
            if not at:
                made.say("bot", self.dice.choice(("Go ahead.", "Okay.", "Uh-huh.", "Got it, and the rest?")))
        made.say("bot", "And when does it expire?")
        made.say("human", Value("CARD", expiry, True))
        made.say("bot", "And the security code on the back?")
        made.say("human", "it's", Value("CARD", spoken_digits(code), True))

    def _expiry(self, spoken: bool) -> str:
        month, year = self.dice.randrange(1, 13), self.dice.randrange(26, 33)
        if spoken:
            worded = f"oh {ONES[month]}" if month < 10 else spoken_number(month)
            return self.dice.choice(
                (
                    f"{worded} {spoken_number(year)}",
                    f"{_MONTHS[month - 1].lower()} twenty {spoken_number(year)}",
                )
            )
        return self.dice.choice(
            (f"{month:02}/{year}", f"{month:02}/20{year}", f"{_MONTHS[month - 1]} 20{year}")
        )

    def ssn(self, made: Sample, spoken: bool) -> None:
        digits = (
            f"{self.dice.randrange(100, 665)}{self.dice.randrange(10, 99)}{self.dice.randrange(1000, 9999)}"
        )
        before, after = self._of(
            ("My social is*", "My social security number is*", "The SSN is*."),
            (
                "Social security is*, if you need it.",
                "For the form, my SSN:*",
                "Yes, my social security number's*",
            ),
            spoken,
        )
        value = Value("SSN", self._digits(digits, (3, 2, 4), spoken, "-"), spoken)
        if spoken and self.dice.random() < 0.4:
            made.say("bot", "Can you tell me your social security number?")
            made.say("human", Value("SSN", spoken_digits(digits[:5]), True))
            made.say("bot", "Yes?")
            made.say("human", Value("SSN", spoken_digits(digits[5:]), True))
            return
        self._put(made, before, value, after)

    def phone(self, made: Sample, spoken: bool) -> None:
        dice = self.dice
        area, exchange, line = dice.randrange(201, 989), dice.randrange(220, 989), dice.randrange(100, 9999)
        digits = f"{area}{exchange}{line:04}"
        before, after = self._of(
            ("My number is*", "You can reach me at*", "Call me back on*tomorrow.", "My cell is*"),
            (
                "Best way to get me is*after six.",
                "Text me at*please.",
                "I'm calling from*",
                "The phone on file should be*",
            ),
            spoken,
        )
        forms = [
            f"({area}) {exchange}-{line:04}", f"{area}-{exchange}-{line:04}", f"{area}.{exchange}.{line:04}",
            f"+1 {area} {exchange} {line:04}", digits, f"1-{area}-{exchange}-{line:04}", "+44 20 7946 0958", "+49 30 901820",
        ]  # fmt: skip
        text = spoken_digits(digits, dice) if spoken else dice.choice(forms)
        if spoken and dice.random() < 0.3:
            made.say("bot", "What number can we call you on?")
            made.say("human", Value("PHONE", spoken_digits(digits[:6]), True))
            made.say("bot", "Okay.")
            made.say("human", Value("PHONE", spoken_digits(digits[6:]), True))
            return
        self._put(made, before, Value("PHONE", text, spoken), after)

    def email(self, made: Sample, spoken: bool) -> None:
        first, last = _ascii(self._first()).lower(), _ascii(self._last()).lower()
        local = self.dice.choice(
            (
                f"{first}.{last}",
                f"{first[0]}{last}",
                f"{first}_{last}{self.dice.randrange(10, 99)}",
                f"{first}{self.dice.randrange(10, 99)}",
            )
        )
        address = f"{local}@{self.dice.choice(_DOMAINS[self.half].split())}"
        before, after = self._of(
            ("My email is*", "Send it to*please.", "It's*"),
            ("You can write to*any time.", "Please mail the invoice to*", "The e-mail address is*"),
            spoken,
        )
        if not spoken:
            self._put(made, before, Value("EMAIL", address), after)
            return
        text = spoken_address(address, self.dice)
        made.say("bot", "And your email address?")
        if self.dice.random() < 0.4:
            head, tail = text.split(" at ")
            made.say("human", Value("EMAIL", head, True))
            made.say("bot", "Okay.")
            made.say("human", Value("EMAIL", f"at {tail}", True))
            return
        self._put(made, before, Value("EMAIL", text, True), after)

    def name(self, made: Sample, spoken: bool) -> None:
        first, last = self._first(), self._last()
        said = f"{first} {last}"
        kind = self.dice.randrange(4)
        if kind == 0:
            made.say(
                "bot", "May I have your name?" if self.half is Half.TUNING else "Who am I speaking with?"
            )
            lead = self.dice.choice(("Sure, it's", "Yes,", ""))
            text = said.lower() if spoken else said
            made.say(
                "human", *([plain(lead) if spoken else lead] if lead else []), Value("NAME", text, spoken)
            )
            made.say("bot", "Thank you,", Value("NAME", first, False), ".")
            return
        before, after = self._of(
            ("My name is*and I have a question.", "This is*calling about my bill.", "The booking is under the name*",
             "Could I speak to*please?", "Hi, I'm*."),
            ("You're talking to*, by the way.", "Good morning, my name's*", "It's for my husband*, he will pick it up.",
             "I'd like to leave a message for Mr.*", "The name on the card is*"),
            spoken,
        )  # fmt: skip
        if before.lower().rstrip(" .").endswith("mr"):
            said = last
        self._put(made, before, Value("NAME", said.lower() if spoken else said, spoken), after)

    def spelled(self, made: Sample, spoken: bool) -> None:
        last = _ascii(self._last()).upper().replace("'", "").replace("-", "")
        before, _ = self._of(
            ("My last name is spelled*", "That's*", "It's spelled*"), ("The surname, letter by letter, is spelled*", "You spell it*"), spoken
        )  # fmt: skip
        made.say("bot", "How do you spell your last name?")
        if not spoken:
            self._put(made, before, Value("NAME", "-".join(last)), "")
        elif self.dice.random() < 0.3:
            made.say("human", Value("NAME", " ".join(last[:3].lower()), True))
            made.say("bot", "Yes?")
            made.say("human", Value("NAME", " ".join(last[3:].lower()) or "e", True))
        else:
            self._put(made, before, Value("NAME", " ".join(last.lower()), True), "")

    def address(self, made: Sample, spoken: bool) -> None:
        dice = self.dice
        number, zip_code = dice.randrange(11, 9899), f"{dice.randrange(10000, 99999)}"
        street, kind = dice.choice(_STREETS[self.half].split()), dice.choice(_KINDS[self.half].split(","))
        city, state, short = dice.choice(_CITIES[self.half].split("|")).split(",")
        unit = dice.choice(("", "", f"Apartment {dice.randrange(2, 30)}"))
        before, after = self._of(
            ("I live at*", "My address is*.", "Send it to*please."),
            ("Please ship it to*", "We moved to*last month.", "The billing address is*"),
            spoken,
        )
        if not spoken:
            text = f"{number} {street} {kind}{f', {unit}' if unit else ''}, {city}, {short} {zip_code}"
            self._put(made, before, Value("ADDRESS", dice.choice((text, f"{number} {street} {kind}"))), after)
            return
        head = house_number(number)
        tail = f"{unit.split()[0].lower()} {spoken_number(int(unit.split()[1]))} " if unit else ""
        text = f"{head} {street.lower()} {kind.lower()} {tail}{city.lower()} {state.lower()} {spoken_digits(zip_code)}"
        if dice.random() < 0.3:
            made.say("bot", "What is the street address?")
            made.say("human", Value("ADDRESS", f"{head} {street.lower()} {kind.lower()}", True))
            made.say("bot", "And the zip code?")
            made.say("human", Value("ADDRESS", spoken_digits(zip_code), True))
            return
        self._put(made, before, Value("ADDRESS", text, True), after)

    def nothing(self, made: Sample, spoken: bool) -> None:
        n, dice = self.dice.randrange(2, 60), self.dice
        long = "".join(dice.choices("123456789", k=10))
        month, day = dice.choice(_MONTHS), dice.randrange(1, 29)
        texts = {
            Half.TUNING: (
                f"My order number is {long}.", f"I'd like to book a table for {n} people at 7:30 p.m.",
                f"The invoice says {n},450 dollars, due on {month} {day}.", "I'm calling about the repair of my dishwasher.",
                "Can you tell me your opening hours on Monday?", "It's a Samsung, model 4200.",
                f"I have waited {n} minutes.", "This is about the Acme Dental appointment.",
                "I work in Chicago and commute from Evanston.", "Will it rain in May?", "Thank you, that was very kind.",
                f"It was delivered in {month} of 2024, I believe.", "I'm sorry, I don't understand.",
            ),
            Half.REPORTING: (
                f"The tracking number is {long}, shipped last week.", f"We need {n} chairs and {n + 3} plates by {month} {day}.",
                f"Your website says {n} percent off until the end of {month}.", "Mark it as urgent, and may I ask for a refund?",
                "Is the Boston office open on Labor Day?", f"Flight {dice.randrange(100, 999)} lands at {dice.randrange(1, 12)} a.m.",
                f"My case number is {long[:8]}.", "We are with Northwind Insurance since 2019.",
                "Grace periods, are there any?", "I'd like two large pizzas, one with olives.",
                "The Wi-Fi drops every twenty minutes or so.", "It's the Friday before Christmas, right?",
                f"The meter reads {dice.randrange(10000, 99999)} kilowatt hours.", "I'm fine, thanks. How are you?",
                "It takes twenty five minutes on a one way street.", "You said between nine and eleven thirty.",
            ),
        }  # fmt: skip
        text = dice.choice(texts[self.half])
        made.say("human", plain(text) if spoken else text)

    # ---- pieces ----

    def _first(self) -> str:
        return self.dice.choice(_FIRST[self.half].split())

    def _last(self) -> str:
        return self.dice.choice(_LAST[self.half].split())

    def _digits(self, digits: str, groups: Sequence[int], spoken: bool, sign: str = "") -> str:
        if spoken:
            return spoken_digits(digits, self.dice)
        pieces, at = [], 0
        for size in groups:
            pieces.append(digits[at : at + size])
            at += size
        return self.dice.choice(("", " ", sign or "-")).join(pieces)


def _luhn(digits: str, first: str) -> str:
    """Sixteen digits that begin so, with a check digit behind them."""
    body = (first + digits)[:15]
    total = sum(sum(divmod(int(digit) * (2 - at % 2), 10)) for at, digit in enumerate(body))
    return f"{body}{-total % 10}"


def _ascii(name: str) -> str:
    folded = name.translate(str.maketrans("áñóüéí", "anouei")).replace("ß", "ss")
    return "".join(each for each in folded if each.isascii() and each.isalpha())
