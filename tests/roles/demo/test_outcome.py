"""A demo call proves the platform only if all of it is there."""

from copy import deepcopy
from typing import Any

import pytest

from trunkline.roles.demo.outcome import Outcome
from trunkline.roles.demo.script import SCRIPT, heard
from trunkline.voice.conversation.events import Kind, Note


def good_outcome() -> Outcome:
    outcome = Outcome(recording=b"RIFF\x00\x00\x00\x00WAVEfmt ")
    lines = ["bot: Willow Street Clinic, how can I help you?"]
    for number, turn in enumerate(SCRIPT, start=1):
        stages = {"pause": 100, "words": 90, "commit": 40, "token": 650, "audio": 20, "queue": 40}
        outcome.reports += [
            {"event": "said", "turn": number, "text": turn.say},
            {"event": "heard", "turn": number, "gap_ms": 980},
        ]
        if turn.interrupts:
            outcome.reports.append({"event": "silenced", "turn": number, "after_ms": 180})
        outcome.notes += [
            Note(0, Kind.CALLER_SAID, {"text": turn.say}),
            Note(0, Kind.TURN, {"turn": number, "stages": stages, "heard_gap_ms": 940}),
        ]
        lines += [f"human: {turn.say}", "bot: Yes."]
    outcome.record = {"call_status": "completed", "transcript": "\n" + "\n".join(lines)}
    return outcome


def without(outcome: Outcome, event: str) -> None:
    outcome.reports = [each for each in outcome.reports if each["event"] != event]


def test_a_good_call_has_no_problems() -> None:
    assert good_outcome().problems() == []


def test_nothing_at_all_is_all_problems() -> None:
    found = "\n".join(Outcome().problems())
    for word in (
        "not completed",
        "'hours'",
        "not answered",
        "recording",
        "line of the bot",
        "line of the human",
    ):
        assert word in found


def change(path: str, value: object) -> Any:
    """A change of the record."""

    def apply(outcome: Outcome) -> None:
        outcome.record[path] = value

    return apply


def slower_at_the_caller(outcome: Outcome) -> None:
    for report in outcome.reports:
        if report["event"] == "heard" and report["turn"] == 2:
            report["gap_ms"] = 1_100


def leaky_ledger(outcome: Outcome) -> None:
    data = deepcopy(outcome.notes[1].data)
    data["stages"]["token"] -= 1
    outcome.notes[1] = Note(0, Kind.TURN, data)


def no_ledger(outcome: Outcome) -> None:
    outcome.notes = [note for note in outcome.notes if note.kind != Kind.TURN]


def talks_on(outcome: Outcome) -> None:
    without(outcome, "silenced")
    outcome.reports.append({"event": "silenced", "turn": 4, "after_ms": 2_400})


def not_recorded(outcome: Outcome) -> None:
    outcome.recording = b"<html>"


def refused(outcome: Outcome) -> None:
    outcome.reports = [{"event": "failed", "reason": "404"}]


@pytest.mark.parametrize(
    ("spoil", "text"),
    [
        (change("call_status", "failed"), "says 'failed', not completed"),
        (change("transcript", "\nbot: Hello."), "no line of the human"),
        (change("transcript", "\nhuman: hours"), "no line of the bot"),
        (slower_at_the_caller, "the ledger of turn 2 says 940 ms, the caller waited 1100 ms"),
        (leaky_ledger, "the stages of turn 1 make 939 ms, its ledger says 940"),
        (no_ledger, "turn 1 has no ledger"),
        (talks_on, "did not fall silent when it was interrupted in turn 4"),
        (not_recorded, "the recording cannot be read"),
        (refused, "the caller failed: 404"),
    ],
)
def test_each_thing_that_is_missing_is_named(spoil: Any, text: str) -> None:
    outcome = good_outcome()
    spoil(outcome)
    assert text in "\n".join(outcome.problems())


def test_key_words_are_compared_by_letters() -> None:
    assert heard("goodbye", "Thank you. Good-bye!")
    assert heard("tuesday", "On TUESDAY?")
    assert not heard("parking", "Is there a park?")
