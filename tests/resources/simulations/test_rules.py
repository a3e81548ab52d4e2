"""Rules over talks: each passes, fails with evidence, and says when it cannot tell."""

from dataclasses import replace
from typing import Any

import pytest
import yaml
from pydantic import ValidationError

from trunkline.resources.simulations.happenings import Called, Happenings, Said
from trunkline.resources.simulations.matching import Found, at_path, matches
from trunkline.resources.simulations.rules import rules_of
from trunkline.resources.simulations.verdicts import Outcome, Verdict

VISIT = {"name": "Paul Meyer", "day": "Tuesday", "time": "10:00"}
TALK = Happenings(
    turns=(
        Said("agent", "Bright Dental, how can I help?", 0, 1900),
        Said("caller", "A check-up on Tuesday at ten for Paul Meyer.", 2400, 5000),
        Said("agent", "Tuesday at ten for Paul Meyer. Is that right?", 5700, 8000),
        Said("caller", "Yes, please.", 8600, 9300),
        Said("agent", "It is booked. Goodbye!", 10_500, 12_000),
    ),
    calls=(
        Called("find_times", {"day": "Tuesday"}, turn=2),
        Called("book_visit", VISIT, {"booked": True}, turn=4),
    ),
    transfers=(),
    end_reason="agent_ended",
    variables={"visits": 1, "name": "Paul"},
    state={"visits": [VISIT], "note": None},
    caller_spoke=((2400, 5000), (8600, 9300)),
)


def judged(written: str, talk: Happenings = TALK) -> Verdict:
    """The verdict of one rule, written in YAML."""
    [rule] = rules_of([yaml.safe_load(written)])
    return rule.verdict(talk)


PASSES = [
    "{rule: called, action: book_visit}",
    "{rule: called, action: book_visit, arguments: {day: Tuesday}}",
    "{rule: called, action: book_visit, arguments: {time: {pattern: '10:?00'}}, times: 1, succeeded: true}",
    "{rule: called, action: find_times, arguments: {day: Tuesday}, exact: true}",
    "{rule: not_called, action: cancel_visit}",
    "{rule: not_called, action: book_visit, arguments: {day: Wednesday}}",
    "{rule: order, steps: [{said: is that right}, {who: caller, said: 'yes'}, {called: book_visit}]}",
    "{rule: order, steps: [{called: find_times}, {called: book_visit}]}",
    "{rule: order, steps: [{called: book_visit}, {said: booked}]}",
    "{rule: order, steps: [{said: right}, {called: book_visit, arguments: {day: Tuesday}}]}",
    "{rule: order, steps: [{said: sorry}, {called: book_visit, arguments: {day: Monday}}], optional: true}",
    "{rule: not_called, action: book_visit, more_than: 1}",
    "{rule: repeats_at_most, times: 1}",
    "{rule: gives_way}",
    "{rule: transferred_to, target: null}",
    "{rule: ended_by, reason: agent_ended}",
    "{rule: ended_by, reason: [agent_ended, transferred]}",
    "{rule: said, pattern: GOODBYE}",
    "{rule: said, pattern: 'yes', who: caller, at_most: 1}",
    "{rule: never_said, pattern: Brook|Ellen}",
    "{rule: reply_within, ms: 1200}",
    "{rule: variable_equals, name: visits, value: 1.0}",
    "{rule: variable_equals, name: name, value: {pattern: 'p.*'}}",
    "{rule: state_equals, path: '$.visits[0].day', value: Tuesday}",
    "{rule: state_equals, path: '$.visits[-1]', value: {name: {pattern: .+}, day: Tuesday, time: '10:00'}}",
    "{rule: state_equals, path: $.note, value: null}",
]
FAILS = [
    ("{rule: called, action: cancel_visit}", "never called", ""),
    ("{rule: called, action: book_visit, arguments: {day: Monday}}", "not as wanted", '"day": "Tuesday"'),
    ("{rule: called, action: book_visit, arguments: {guests: 2}}", "not as wanted", '"day": "Tuesday"'),
    (
        "{rule: called, action: book_visit, arguments: {day: Tuesday}, exact: true}",
        "not as wanted",
        "Paul Meyer",
    ),
    ("{rule: called, action: book_visit, times: 2}", "1 times, not 2", "Paul Meyer"),
    ("{rule: not_called, action: book_visit, arguments: {day: Tuesday}}", "was called", "Paul Meyer"),
    (
        "{rule: order, steps: [{said: booked}, {called: book_visit}]}",
        "before 'booked' of the agent",
        "book_visit",
    ),
    (
        "{rule: order, steps: [{called: book_visit}, {called: send_sms}]}",
        "send_sms did not follow",
        "book_visit",
    ),
    (
        "{rule: order, steps: [{said: that right}, {called: book_visit, arguments: {day: Monday}}]}",
        "book_visit with {'day': 'Monday'} did not follow",
        "Is that right?",
    ),
    (
        "{rule: order, steps: [{said: sorry}, {called: book_visit}], optional: true}",
        "before 'sorry' of the agent",
        "book_visit",
    ),
    ("{rule: transferred_to, target: '+15125550170'}", "nobody", ""),
    ("{rule: ended_by, reason: human_ended}", "ended by agent_ended", "agent_ended"),
    ("{rule: said, pattern: recorded}", "never said", ""),
    ("{rule: said, pattern: Tuesday|goodbye, at_most: 1}", "2 turns", "agent: Tuesday at ten"),
    ("{rule: never_said, pattern: paul}", "agent said it", "agent: Tuesday at ten for Paul Meyer."),
    ("{rule: reply_within, ms: 1000}", "1 replies", "1200 ms: agent: It is booked."),
    ("{rule: variable_equals, name: visits, value: 2}", "another value", "visits is 1"),
    ("{rule: variable_equals, name: visits, value: true}", "another value", "visits is 1"),
    ("{rule: variable_equals, name: other, value: 2}", "no variable other", ""),
    ("{rule: state_equals, path: '$.visits[0].day', value: Friday}", "another value", "'Tuesday'"),
    ("{rule: state_equals, path: '$.visits[1]', value: null}", "nothing at", ""),
    ("{rule: state_equals, value: {visits: []}}", "another value", "Paul Meyer"),
]


@pytest.mark.parametrize("written", PASSES, ids=str)
def test_a_rule_that_is_kept_passes(written: str) -> None:
    verdict = judged(written)
    assert (verdict.outcome, verdict.reason) == (Outcome.PASS, "")


@pytest.mark.parametrize(("written", "reason", "evidence"), FAILS, ids=[each[0] for each in FAILS])
def test_a_rule_that_is_broken_shows_where(written: str, reason: str, evidence: str) -> None:
    verdict = judged(written)
    assert verdict.outcome is Outcome.FAIL
    assert reason in verdict.reason
    assert evidence in "\n".join(verdict.evidence)
    assert bool(evidence) == bool(verdict.evidence)


@pytest.mark.parametrize(
    "written",
    [
        "{rule: called, action: book_visit}",
        "{rule: not_called, action: book_visit}",
        "{rule: order, steps: [{said: right}, {called: book_visit}]}",
        "{rule: transferred_to, target: null}",
        "{rule: ended_by, reason: agent_ended}",
        "{rule: gives_way}",
        "{rule: reply_within, ms: 1000}",
        "{rule: variable_equals, name: visits, value: 1}",
        "{rule: state_equals, value: {}}",
    ],
    ids=str,
)
def test_what_was_not_observed_decides_nothing(written: str) -> None:
    written_only = tuple(Said(each.who, each.text) for each in TALK.turns)
    verdict = judged(written, Happenings(written_only, calls=None, transfers=None))
    assert verdict.outcome is Outcome.CANNOT_TELL
    assert verdict.reason and not verdict.evidence


def test_a_caller_is_passed_to_one_place_alone() -> None:
    there = replace(TALK, transfers=("+15125550170",))
    assert judged("{rule: transferred_to, target: '+15125550170'}", there).outcome is Outcome.PASS
    assert judged("{rule: transferred_to, target: null}", there).evidence == ("+15125550170",)
    twice = replace(TALK, transfers=("+15125550170", "+15125550180"))
    assert judged("{rule: transferred_to, target: '+15125550170'}", twice).outcome is Outcome.FAIL


def test_a_call_that_failed_may_count_or_not() -> None:
    failing = replace(TALK, calls=(Called("book_visit", VISIT, ok=False),))
    assert judged("{rule: called, action: book_visit}", failing).outcome is Outcome.PASS
    assert judged("{rule: called, action: book_visit, succeeded: true}", failing).outcome is Outcome.FAIL


def test_a_booking_before_the_read_back_is_out_of_order() -> None:
    early = replace(TALK, calls=(Called("book_visit", VISIT, turn=2),))
    written = (
        "{rule: order, steps: [{said: is that right}, {who: caller, said: 'yes'}, {called: book_visit}]}"
    )
    verdict = judged(written, early)
    assert verdict.outcome is Outcome.FAIL and verdict.evidence[0].startswith("book_visit")


def test_an_agent_that_talks_into_the_turn_replies_early() -> None:
    turns = (Said("caller", "The fourth of May", 0, 3000), Said("agent", "Thank you.", 2000, 2500))
    assert judged("{rule: reply_within, ms: 0}", Happenings(turns)).outcome is Outcome.PASS


def test_a_call_may_come_once_and_not_twice() -> None:
    twice = replace(TALK, calls=(Called("book_visit", VISIT), Called("book_visit", VISIT)))
    verdict = judged("{rule: not_called, action: book_visit, more_than: 1}", twice)
    assert verdict.outcome is Outcome.FAIL and "2 times" in verdict.reason


def test_the_same_words_again_and_again_but_not_short_ones() -> None:
    said = (
        Said("agent", "May I have your name?"),
        Said("agent", "may I have your name"),
        Said("agent", "Yes?"),
    )
    talk = Happenings((*said, Said("agent", "Yes?"), Said("caller", "What is it to you?")))
    assert judged("{rule: repeats_at_most, times: 2}", talk).outcome is Outcome.PASS
    verdict = judged("{rule: repeats_at_most, times: 1}", talk)
    assert verdict.evidence == ("2 times: may i have your name",)


@pytest.mark.parametrize(
    ("agent", "told"),
    [
        ((4000, 6000), "began 2000 ms into a turn of 5000 ms"),
        ((0, 3500), "went on for 1500 ms"),
        ((0, 2900), ""),
        ((2200, 2800), ""),
        ((6900, 8000), ""),
    ],
    ids=["cuts in", "goes on", "stops", "both begin", "comes after"],
)
def test_who_talks_over_the_caller(agent: tuple[int, int], told: str) -> None:
    talk = Happenings((Said("agent", "Well.", *agent),), caller_spoke=((2000, 7000),))
    verdict = judged("{rule: gives_way}", talk)
    assert verdict.outcome is (Outcome.FAIL if told else Outcome.PASS)
    assert told in "".join(verdict.evidence)


@pytest.mark.parametrize(
    ("written", "told"),
    [
        ({"rule": "order", "steps": [{"said": "a", "arguments": {"b": 1}}, {"said": "c"}]}, "of a call"),
        ({"rule": "said", "pattern": "("}, "no regular expression"),
        ({"rule": "said", "pattern": "a", "by": "agent"}, "by"),
        ({"rule": "called", "action": "a", "arguments": {"b": [{"pattern": "["}]}}, "no regular expression"),
        ({"rule": "order", "steps": [{"called": "a", "said": "b"}, {"said": "c"}]}, "one of them"),
        ({"rule": "state_equals", "path": "visits", "value": 1}, "is no path"),
        ({"rule": "state_equals", "path": "$.a[x]", "value": 1}, "is no path"),
        ({"rule": "guess"}, "guess"),
    ],
    ids=lambda each: str(each),
)
def test_what_is_no_rule_is_refused(written: dict[str, Any], told: str) -> None:
    with pytest.raises(ValidationError, match=told.replace("(", r"\(")):
        rules_of([written])


@pytest.mark.parametrize(
    ("want", "has", "expected"),
    [
        (1, 1.0, True),
        (1, True, False),
        (4, "4", False),
        ({"pattern": r"\d"}, 4, True),
        ({"pattern": "true"}, True, False),
        ({"pattern": "meyer"}, "Paul Meyer", False),
        ({"a": [1, {"pattern": "x+"}]}, {"a": [1, "xx"]}, True),
        ({"a": 1}, {"a": 1, "b": 2}, False),
        ([1, 2], [2, 1], False),
        (None, None, True),
    ],
    ids=str,
)
def test_values_are_equal_as_json_is(want: Any, has: Any, expected: bool) -> None:
    assert matches(want, has) is expected


def test_a_path_finds_null_too() -> None:
    assert at_path({"a": None}, "$.a") == Found(None)
    assert at_path({"a": None}, "$.b") is None
    assert at_path([1], "$[0]") == Found(1)
    assert at_path({"a": 1}, "$") == Found({"a": 1})
