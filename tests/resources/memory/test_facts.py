"""How facts join those that are known."""

from datetime import UTC, datetime, timedelta

import pytest

from trunkline.resources.memory.facts import (
    LONGEST_FACT,
    MOST_FACTS,
    MOST_LETTERS,
    Fact,
    merged,
    rendered,
    tidy,
)

MONDAY = datetime(2026, 11, 2, 9, tzinfo=UTC)
DAY = timedelta(days=1)


def test_a_fact_is_one_plain_line() -> None:
    assert tidy("- The person\n\n## likes **tea**\x00 <b>and</b> {name} [x]\u202e|") == (
        "The person likes tea b and /b name x"
    )
    assert tidy(" \n") == ""
    assert len(tidy("word " * 100)) <= LONGEST_FACT


def test_what_is_known_is_not_written_twice() -> None:
    known = [Fact("The person likes tea.", MONDAY, 1)]
    found = ("the person likes TEA", "The person has a dog.", "The person has a dog", " ")
    change = merged(known, found, (), MONDAY + DAY)
    assert change.new == ("The person has a dog.",)
    assert change.gone == set()
    assert (
        rendered(change.facts) == "- 2026-11-02: The person likes tea.\n- 2026-11-03: The person has a dog."
    )


def test_what_is_contradicted_is_replaced() -> None:
    known = [Fact("The person lives in Bonn.", MONDAY, 1), Fact("The person likes tea.", MONDAY, 2)]
    change = merged(known, ("The person lives in Kiel.",), {1, 99}, MONDAY + DAY)
    assert change.gone == {1}
    assert [each.text for each in change.facts] == ["The person likes tea.", "The person lives in Kiel."]


def test_a_fact_that_is_said_again_in_place_of_itself_stays() -> None:
    known = [Fact("The person lives in Bonn.", MONDAY, 1)]
    change = merged(known, ("The person lives in Bonn.",), {1}, MONDAY + DAY)
    assert [each.text for each in change.facts] == ["The person lives in Bonn."]


def test_an_earlier_talk_that_comes_late_changes_nothing_of_a_later_one() -> None:
    known = [Fact("The person lives in Kiel.", MONDAY + DAY, 1)]
    change = merged(known, ("The person has a dog.",), {1}, MONDAY)
    assert change.gone == set()
    assert [each.text for each in change.facts] == ["The person has a dog.", "The person lives in Kiel."]


@pytest.mark.parametrize("length", [5, 190], ids=["many", "long"])
def test_the_oldest_makes_room(length: int) -> None:
    known: list[Fact] = []
    for n in range(60):
        change = merged(known, (f"{n}".ljust(length, "x"),), (), MONDAY + n * DAY)
        known = [Fact(each.text, each.said_at, each.seq or n + 1) for each in change.facts]
    assert len(known) <= MOST_FACTS
    assert len(rendered(known)) <= MOST_LETTERS
    assert known[-1].seq == 60
    assert [each.seq for each in known] == list(range(known[0].seq, 61))
    assert len(known) == (MOST_FACTS if length == 5 else 14)
