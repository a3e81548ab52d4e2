"""What redaction takes out, what it leaves, and how it treats talks and JSON."""

import json
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trunkline.resources.redaction import redact, redact_lines, redact_url, redact_value
from trunkline.resources.redaction.passage import Line


@pytest.mark.parametrize(
    ("said", "kept"),
    [
        ("My card is 4111 1111 1111 1111, expires 12/27, CVV 123.", "My card is [CARD], expires [CARD], CVV [CARD]."),
        (
            "card number four one one one one one one one one one one one one one one one "
            "expiring oh nine twenty seven security code is one two three",
            "card number [CARD] expiring [CARD] security code is [CARD]",
        ),
        ("It's 123-45-6789.", "It's [SSN]."),
        ("my social is one two three four five six seven eight nine", "my social is [SSN]"),
        ("the last four of my social are six seven eight nine", "the last four of my social are [SSN]"),
        ("Call me back on (415) 555-0134 please.", "Call me back on [PHONE] please."),
        ("Mr. Okonkwo has +44 20 7946 0958.", "Mr. [NAME] has [PHONE]."),
        ("my number is four one five triple five oh one three four", "my number is [PHONE]"),
        ("Write to priya.raman+work@example.co.uk today.", "Write to [EMAIL] today."),
        ("it's john dot smith at gmail dot com", "it's [EMAIL]"),
        ("I live at 742 Evergreen Terrace, Springfield, IL 62704.", "I live at [ADDRESS]."),
        ("forty two oak street apartment five springfield illinois six two seven oh four", "[ADDRESS]"),
        ("Send it to P.O. Box 1234.", "Send it to [ADDRESS]."),
        ("Ich wohne Hauptstraße 12, 10115 Berlin.", "Ich wohne [ADDRESS]."),
        ("My name is Priya Raman.", "My name is [NAME]."),
        ("this is maria gonzalez calling", "this is [NAME] calling"),
        ("my last name is spelled K-O-W-A-L-S-K-I", "my last name is spelled [NAME]"),
        ("it's spelled s as in sam m i double t", "it's spelled [NAME]"),
    ],
)  # fmt: skip
def test_what_is_taken_out(said: str, kept: str) -> None:
    assert redact(said) == kept


@pytest.mark.parametrize(
    "said",
    [
        "The order number is 4821093347 and it costs 250 dollars.",
        "I ordered in May, will it come by June 5th?",
        "I work at google.com and I like Springfield.",
        "It takes a 5 minute drive down a two way street.",
        "Can I book 2 rooms for 3 nights from March 3, 2026, at 10 a.m.?",
        "Mark my words, the grace period ends in April.",
        "I'm sorry, I'm calling about the invoice of Acme Dental.",
        "See https://example.com/orders/4111111111111111 for more.",
        "id 550e8400-e29b-41d4-a716-446655440000 at 2026-04-22T16:49:29.580390+00:00",
    ],
)
def test_what_stays(said: str) -> None:
    assert redact(said) == said


TALK = """
bot: May I have your name?
human: sure it's okafor chinedu
bot: Thanks. Your card number?
human: four one one one
bot: go ahead
human: one one one one one one one one
bot: 4111 1111 1111, yes?
human: one one one one
bot: And your email?
human: chinedu underscore o
bot: okay
human: at yahoo dot com
bot: Thank you, Chinedu. Your zip?
human: six oh six one four
bot: Great, what time, 5 30 or 6?"""


def test_a_value_told_over_turns_is_one() -> None:
    assert (
        redact(TALK)
        == """
bot: May I have your name?
human: sure it's [NAME]
bot: Thanks. Your card number?
human: [CARD]
bot: go ahead
human: [CARD]
bot: [CARD], yes?
human: [CARD]
bot: And your email?
human: [EMAIL]
bot: okay
human: [EMAIL]
bot: Thank you, [NAME]. Your zip?
human: [ADDRESS]
bot: Great, what time, 5 30 or 6?"""
    )


def test_lines_are_redacted_together_and_stay_lines() -> None:
    lines = [Line("human", "my social is 123 45"), Line("bot", "Go on."), Line("human", "6789")]
    assert redact_lines(lines) == ["my social is [SSN]", "Go on.", "[SSN]"]


def test_a_known_name_is_found_without_any_word_before_it() -> None:
    assert redact("We saw Zyx yesterday.", known=["Zyx Qwerty"]) == "We saw [NAME] yesterday."
    assert redact("We saw Zyx yesterday.") == "We saw Zyx yesterday."


def test_json_keeps_its_form() -> None:
    value = {
        "said": "Mail a@b.co",
        "n": 4111111111111111,
        "list": ["123-45-6789", None, True],
        "k": {"x": ""},
    }
    assert redact_value(value) == {
        "said": "Mail [EMAIL]",
        "n": 4111111111111111,
        "list": ["[SSN]", None, True],
        "k": {"x": ""},
    }


def test_members_names_say_what_stands_in_them() -> None:
    value = {"customer_name": "Zyx Qwerty", "args": '{"ssn": "123456789", "name": "look_up"}'}
    assert redact_value(value) == {"customer_name": "[NAME]", "args": '{"ssn": "[SSN]", "name": "look_up"}'}


def test_addresses_of_the_web_keep_their_form() -> None:
    url = "https://example.com/people/%2B14155550134?email=a%40b.co&n=2"
    assert redact_url(url) == "https://example.com/people/[PHONE]?email=[EMAIL]&n=2"
    assert redact_url("https://example.com/plain/path") == "https://example.com/plain/path"


_WORDS = st.sampled_from(
    re.findall(
        r"\S+|\n",
        "bot: human: \n my name is card four one 4111 1111 ssn 123-45-6789 at dot com gmail john Smith spelled "
        "s m i t h oak street 42 springfield illinois zip , . ? + [NAME] [CARD] email phone Priya",
    )
)


@given(st.lists(_WORDS, max_size=30).map(" ".join) | st.text(max_size=60))
def test_redacting_twice_changes_nothing_and_no_text_breaks_it(text: str) -> None:
    once = redact(text)
    assert once.count("\n") == text.count("\n")
    assert redact(once) == once


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(),
        lambda i: st.lists(i) | st.dictionaries(st.text(), i),
    )
)
def test_any_json_stays_json(value: object) -> None:
    json.dumps(redact_value(value))
