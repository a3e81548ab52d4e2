"""What a voice is given to say: the named kinds become words, nothing else changes."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trunkline.voice.conversation.sentences import SentenceSplitter
from trunkline.voice.speech.speakable import speakable
from trunkline.voice.speech.speakable_numbers import cardinal, ordinal, year

KINDS = [
    # telephone, post and order codes
    ("555-214-9873", "five five five, two one four, nine eight seven three"),
    ("(415) 555-2671", "four one five, five five five, two six seven one"),
    ("+14155552671", "plus one, four one five, five five five, two six seven one"),
    ("4155552671", "four one five, five five five, two six seven one"),
    ("0664 1234567", "zero six six four, one two three four five six seven"),
    ("CA 94110-1234", "CA nine four one one zero, one two three four"),
    ("zip 94110", "zip nine four one one zero"),
    ("order A4-7K", "order A four, seven K"),
    ("order number 48213", "order number four eight two one three"),
    # addresses of the net
    ("ann.lee@acme.com", "ann dot lee at acme dot com"),
    ("www.acme.com/faq", "W W W dot acme dot com slash faq"),
    ("https://acme.com", "acme dot com"),
    # money
    ("$90", "ninety dollars"),
    ("$1", "one dollar"),
    ("$1,234.50", "one thousand two hundred thirty-four dollars and fifty cents"),
    ("£0.01", "one penny"),
    ("€2.5 million", "two point five million euros"),
    ("50 CHF", "fifty francs"),
    # dates
    ("2026-11-22", "November twenty-second, twenty twenty-six"),
    ("12/03/2026", "December third, twenty twenty-six"),
    ("25/12/2026", "December twenty-fifth, twenty twenty-six"),
    ("November 22, 2026", "November twenty-second, twenty twenty-six"),
    ("Jan. 5", "January fifth"),
    ("May 5th", "May fifth"),
    ("the 3rd of May", "the third of May"),
    ("22 November 1905", "the twenty-second of November, nineteen oh five"),
    # times of day
    ("3:30 pm", "three thirty p.m."),
    ("15:05", "three oh five p.m."),
    ("9:00", "nine o'clock"),
    ("10 AM", "ten a.m."),
    ("0:15", "twelve fifteen a.m."),
    # percentages, ordinals, units
    ("98.6 %", "ninety-eight point six percent"),
    ("5-10%", "five to ten percent"),
    ("21st", "twenty-first"),
    ("-5 °C", "minus five degrees Celsius"),
    ("1 km", "one kilometer"),
    ("3 ft", "three feet"),
    # abbreviations
    ("Dr. Lee", "Doctor Lee"),
    ("St. Mary", "Saint Mary"),
    ("e.g. this", "for example this"),
    ("Tom & Ann", "Tom and Ann"),
    ("No. 5", "Number 5"),
    # markup
    ("**Yes**, _really_", "Yes, really"),
]  # fmt: skip


@pytest.mark.parametrize(("written", "spoken"), KINDS)
def test_each_kind_alone_and_in_a_sentence(written: str, spoken: str) -> None:
    assert speakable(written) == spoken
    assert speakable(f"so it is {written} then") == f"so it is {spoken} then"
    assert speakable(f"{written}?") == f"{spoken}?"


@pytest.mark.parametrize(
    "text",
    [
        "from 1999-2004",
        "1,250,000 people",
        "9-5, Monday",
        "COVID-19",
        "about 45000 of them",
        "2 or 3",
        "We may 5 times",
        "a ratio of 3:1",
        "version 1.2.3",
        "snake_case",
        "25:61 and 13/13/2026 and 2026-13-45",
        "It is no.",
    ],
)
def test_all_else_stays(text: str) -> None:
    assert speakable(text) == text


@pytest.mark.parametrize(
    ("text", "spoken"),
    [
        ("We close at 15:00.", "We close at three p.m."),
        ("We close at 3 pm. Then", "We close at three p.m. Then"),
        ("Pens, paper, etc.", "Pens, paper, et cetera."),
        ("12 Main St.", "12 Main Street"),
    ],
)
def test_a_sentence_keeps_one_full_stop(text: str, spoken: str) -> None:
    assert speakable(text) == spoken


def test_the_order_of_day_and_month_is_the_languages() -> None:
    assert speakable("12/03/2026", "en-US") == "December third, twenty twenty-six"
    assert speakable("12/03/2026", "en-GB") == "March twelfth, twenty twenty-six"


def test_other_languages_keep_their_digits_and_have_telephone_numbers_taken_apart() -> None:
    text = "Um 15:30 kostet es 12,50 €, Dr. Lee, a@b.de, 2026-11-22, 22.11.2026"
    assert speakable(text, "de-DE") == text
    assert speakable("Tel. +43 664 1234567", "de-AT") == "Tel. +4 3, 6 6 4, 1 2 3 4 5 6 7"
    assert speakable("0171234567", "fr-FR") == "0 1 7, 1 2 3, 4 5 6 7"


WORDS = st.lists(
    st.sampled_from(["we", "open", "Monday", "naïve", "Ärzte", "it's", "well,", "so;", "ok"]), max_size=6
)
WRITTEN = st.sampled_from([written for written, _ in KINDS])
SAID = dict(KINDS)


@given(st.text(st.characters(exclude_categories=["N", "Co", "Cs"], exclude_characters="@*_`#.&:/$€£¥₹")))
def test_words_without_digits_and_signs_stay(text: str) -> None:
    assert speakable(text) == " ".join(text.split())


@given(st.lists(st.tuples(WORDS, WRITTEN), min_size=1, max_size=4))
def test_only_the_named_kinds_change_and_only_once(parts: list[tuple[list[str], str]]) -> None:
    text = " and ".join(" ".join([*words, "then", written]) for words, written in parts)
    spoken = speakable(text)
    assert spoken == " and ".join(" ".join([*words, "then", SAID[written]]) for words, written in parts)
    assert speakable(spoken) == spoken


@given(st.lists(st.tuples(WORDS, WRITTEN), min_size=1, max_size=4), st.integers(1, 7))
def test_pieces_of_a_stream_sound_as_the_whole(parts: list[tuple[list[str], str]], size: int) -> None:
    text = ". ".join(" ".join(["Please note", *words, written, "now"]) for words, written in parts) + "."
    splitter = SentenceSplitter()
    pieces = [piece for at in range(0, len(text), size) for piece in splitter.push(text[at : at + size])]
    pieces += splitter.finish()
    assert " ".join(map(speakable, pieces)) == speakable(text)


@given(st.text(max_size=200), st.sampled_from(["en-US", "en-GB", "de-DE", "multi"]))
def test_anything_can_be_spoken(text: str, language: str) -> None:
    speakable(text, language)


def test_numbers_as_words() -> None:
    assert cardinal(1_000_019) == "one million nineteen"
    assert [ordinal(each) for each in (2, 12, 40, 101)] == [
        "second",
        "twelfth",
        "fortieth",
        "one hundred first",
    ]
    assert [year(each) for each in (1900, 2006, 1066, 2010)] == [
        "nineteen hundred", "two thousand six", "one thousand sixty-six", "twenty ten",
    ]  # fmt: skip
