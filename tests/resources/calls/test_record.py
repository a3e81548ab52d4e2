"""The fold of a call's notes into its record."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from trunkline.resources.calls.record import (
    CUT_OFF,
    END_WORDS,
    Direction,
    Record,
    TelephonyDisconnectReason,
    TelephonyHangup,
    fold,
    without_words,
)
from trunkline.voice.conversation.events import EndReason, Kind, Note

CONNECTED = datetime(2026, 4, 22, 16, 49, 29, 250_000, tzinfo=UTC)


def note(at_ms: int, kind: Kind, **data: Any) -> Note:
    return Note(at_ms, kind, data)


def folded(*notes: Note, direction: Direction = Direction.INBOUND) -> Record:
    return fold(notes, direction, CONNECTED)


def test_the_transcript_has_each_side_on_lines_of_its_own_after_a_newline() -> None:
    record = folded(
        note(900, Kind.AGENT_SAID, text="Good morning.", reply=1, start_ms=0, end_ms=900, cut=False),
        note(
            2000, Kind.CALLER_SAID, text="Hi,\nwhen are you open?", segments=[1], start_ms=1200, end_ms=2000
        ),
        note(2500, Kind.NOISE, segment=2),
        note(3000, Kind.AGENT_SAID, text="We open", reply=2, start_ms=2600, end_ms=3000, cut=True),
    )
    assert record.transcript == "\nbot: Good morning.\nhuman: Hi, when are you open?\nbot: We open"
    assert record.last_ms == 3000


def test_what_the_caller_wrote_is_the_callers_line() -> None:
    wrote = note(5, Kind.CALLER_WROTE, text="Yes, please")
    assert folded(wrote).transcript == "\nhuman: Yes, please"
    assert without_words(wrote).data == {"text": ""}


def test_what_was_not_heard_is_no_line() -> None:
    assert (
        folded(note(0, Kind.AGENT_SAID, text=" ", reply=1, start_ms=0, end_ms=0, cut=True)).transcript == ""
    )
    assert folded().transcript == ""


@pytest.mark.parametrize(
    ("reason", "rest", "webhook"),
    [
        (EndReason.HUMAN_ENDED, "human_ended_call", "human_goodbye"),
        (EndReason.AGENT_ENDED, "agent_ended_call", "agent_goodbye"),
        (EndReason.CUSTOM, "custom_end_call", "custom_end_call"),
        (EndReason.MAX_DURATION, "timeout", "max_duration"),
        (EndReason.IDLE, "timeout", "undefined"),
        (EndReason.USER_CANCELED, "user_canceled", "user_canceled"),
        (EndReason.ERROR, "error", "undefined"),
        (EndReason.LINE_LOST, "error", "undefined"),
        (EndReason.VOICEMAIL, "voicemail", "voicemail"),
        (EndReason.VOICEMAIL_LEFT, "voicemail_message_left", "voicemail_message_left"),
        (EndReason.VOICEMAIL_CUT_OFF, "voicemail_cut_off", "voicemail"),
    ],
)
def test_ends_in_the_words_of_each_reader(reason: EndReason, rest: str, webhook: str) -> None:
    end = folded(note(5, Kind.ENDED, reason=reason.value, detail="")).end
    assert end is not None
    assert (end.rest, end.webhook) == (rest, webhook)


def test_every_end_reason_has_words() -> None:
    assert set(END_WORDS) == set(EndReason)


def test_the_first_end_stays_and_free_words_are_a_fault_with_its_detail() -> None:
    record = folded(
        note(5, Kind.ENDED, reason="idle", detail=""), note(6, Kind.ENDED, reason="error", detail="late")
    )
    assert record.end_reason is EndReason.IDLE
    record = folded(note(5, Kind.ENDED, reason="operator said so", detail=""))
    assert (record.end_reason, record.end_detail) == (EndReason.ERROR, "operator said so")
    assert folded().end is None


def test_a_callee_who_hangs_up_before_a_word_cut_us_off() -> None:
    ended = note(300, Kind.ENDED, reason="human_ended", detail="")
    said = note(200, Kind.CALLER_SAID, text="Hello?", segments=[1], start_ms=0, end_ms=200)
    assert folded(ended, direction=Direction.OUTBOUND).end == CUT_OFF
    assert folded(said, ended, direction=Direction.OUTBOUND).end == END_WORDS[EndReason.HUMAN_ENDED]
    assert folded(ended, direction=Direction.INBOUND).end == END_WORDS[EndReason.HUMAN_ENDED]


@pytest.mark.parametrize(("at_ms", "cut_off"), [(1500, True), (9000, False)])
def test_a_callee_who_hangs_up_on_our_first_words_without_one_cut_us_off(at_ms: int, cut_off: bool) -> None:
    greeted = note(1400, Kind.AGENT_SAID, text="Good", reply=1, start_ms=0, end_ms=1400, cut=True)
    ended = note(at_ms, Kind.ENDED, reason="human_ended", detail="")
    end = folded(greeted, ended, direction=Direction.OUTBOUND).end
    assert end == (CUT_OFF if cut_off else END_WORDS[EndReason.HUMAN_ENDED])


@pytest.mark.parametrize(
    ("reason", "direction", "hangup", "disconnect"),
    [
        ("human_ended", Direction.INBOUND, TelephonyHangup.CALLER, TelephonyDisconnectReason.CALLER_HANGUP),
        ("human_ended", Direction.OUTBOUND, TelephonyHangup.CALLEE, TelephonyDisconnectReason.CALLEE_HANGUP),
        ("agent_ended", Direction.INBOUND, TelephonyHangup.CALLEE, TelephonyDisconnectReason.CALLEE_HANGUP),
        (
            "voicemail_cut_off",
            Direction.OUTBOUND,
            TelephonyHangup.CALLEE,
            TelephonyDisconnectReason.CALLEE_HANGUP,
        ),
        ("voicemail", Direction.OUTBOUND, TelephonyHangup.CALLER, TelephonyDisconnectReason.CALLER_HANGUP),
        ("idle", Direction.OUTBOUND, TelephonyHangup.CALLER, TelephonyDisconnectReason.CALLER_HANGUP),
        ("error", Direction.INBOUND, None, TelephonyDisconnectReason.ERROR),
        ("line_lost", Direction.OUTBOUND, None, TelephonyDisconnectReason.ERROR),
        (None, Direction.INBOUND, None, TelephonyDisconnectReason.UNKNOWN),
    ],
)
def test_who_hung_up_depends_on_who_called(
    reason: str | None,
    direction: Direction,
    hangup: TelephonyHangup | None,
    disconnect: TelephonyDisconnectReason,
) -> None:
    notes = [note(5, Kind.ENDED, reason=reason, detail="")] if reason else []
    record = folded(*notes, direction=direction)
    assert (record.hangup, record.disconnect) == (hangup, disconnect)


def test_an_action_has_the_shape_of_the_wire_strings_only() -> None:
    record = folded(
        note(1500, Kind.TOOL_STARTED, call="c1", name="book_table", arguments={"people": 2}),
        note(1900, Kind.TOOL_FINISHED, call="c1", name="book_table", result='{"booked": true}', ok=True),
    )
    assert record.executed_actions == {
        "book_table": {
            "name": "book_table",
            "action_type": "custom_function_action_type",
            "description": "",
            "parameters_hard_coded": "{}",
            "parameters_from_llm": '{"people": 2}',
            "return_value": '{"booked": true}',
            "return_value_status": "",
            "error_message": "",
            "is_relevant_action": "true",
            "timestamp_datetime": "2026-04-22T16:49:30.750000",
            "timestamp": "1776876570.750000",
        }
    }


def test_a_result_in_plain_words_still_parses_as_json() -> None:
    record = folded(
        note(0, Kind.TOOL_STARTED, call="c1", name="lookup", arguments={}),
        note(9, Kind.TOOL_FINISHED, call="c1", name="lookup", result="Table 4", ok=True),
    )
    assert json.loads(record.executed_actions["lookup"]["return_value"]) == "Table 4"


def test_a_failed_or_unfinished_action_says_why_and_end_call_is_none() -> None:
    record = folded(
        note(0, Kind.TOOL_STARTED, call="c1", name="lookup", arguments={}),
        note(9, Kind.TOOL_FINISHED, call="c1", name="lookup", result="no route to host", ok=False),
        note(10, Kind.TOOL_STARTED, call="c2", name="slow", arguments={}),
        note(11, Kind.TOOL_STARTED, call="c3", name="end_call", arguments={}),
    )
    actions = record.executed_actions
    assert set(actions) == {"lookup", "slow"}
    assert actions["lookup"]["error_message"] == "no route to host"
    assert json.loads(actions["lookup"]["return_value"]) == {}
    assert actions["slow"]["error_message"] == "The call ended before the action did."
    assert all(isinstance(value, str) for action in actions.values() for value in action.values())


def test_ledger_and_models() -> None:
    record = folded(
        note(1, Kind.MODEL, model="small"),
        note(2, Kind.TURN, turn=1, t0_ms=0, sent_ms=600),
        note(3, Kind.MODEL, model="large"),
        note(4, Kind.MODEL, model="small"),
    )
    assert record.turns == [{"turn": 1, "t0_ms": 0, "sent_ms": 600}]
    assert record.models == ("small", "large")


def test_without_words_keeps_times_only() -> None:
    said = note(7, Kind.CALLER_SAID, text="my number is secret", segments=[1], start_ms=1, end_ms=7)
    assert without_words(said).data == {"text": "", "segments": [1], "start_ms": 1, "end_ms": 7}
    barge_in = note(8, Kind.BARGE_IN, outcome="yield", words="secret", paused_ms=300)
    assert "secret" not in str(without_words(barge_in))
    turn = note(9, Kind.TURN, turn=1)
    assert without_words(turn) is turn
