import pytest

from trunkline.voice.speech.speakable import speakable


@pytest.mark.parametrize(
    ("text", "spoken"),
    [
        ("Call 555-214-9873 now.", "Call five five five, two one four, nine eight seven three now."),
        ("(415) 555-2671, ok?", "four one five, five five five, two six seven one, ok?"),
        ("+14155552671", "plus one, four one five, five five five, two six seven one"),
        ("It is 4155552671.", "It is four one five, five five five, two six seven one."),
        ("CA 94110-1234", "CA nine four one one zero, one two three four"),
        ("zip 94110", "zip nine four one one zero"),
        ("order A4-7K", "order A four, seven K"),
        ("order number 48213.", "order number four eight two one three."),
        ("ann.lee@acme.com", "ann dot lee at acme dot com"),
        ("See www.acme.com/faq.", "See W W W dot acme dot com slash faq."),
        ("https://acme.com", "acme dot com"),
        ("**Yes**, _really_", "Yes, really"),
    ],
)
def test_names_made_of_digits_are_spelled(text: str, spoken: str) -> None:
    assert speakable(text) == spoken


@pytest.mark.parametrize(
    "text",
    [
        "$90 at 3:30 pm",
        "on 12/03/2026, 98.6 %",
        "2026-11-22",
        "from 1999-2004",
        "1,250,000 people",
        "9-5, Monday",
        "Dr. Lee on the 3rd at 10 AM",
        "COVID-19",
        "about 45000 of them",
        "2 or 3",
    ],
)
def test_quantities_are_left_to_the_voice(text: str) -> None:
    assert speakable(text) == text
