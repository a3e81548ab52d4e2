"""From an action's settings to what a transfer does; nothing that the model says leads elsewhere."""

from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

import pytest

from trunkline.errors import BadInput
from trunkline.resources.actions.work import PHONE_BOOK_ENTRIES, PlannedAction
from trunkline.resources.transfers.order import MOST_HEADERS, Mode, closed, order_of, tool_of, with_summary

SETTINGS = {
    "transfer_mode": "warm_transfer",
    "phone": "sip:1001@example.org",
    "instructions": "When they ask for a person.",
    "initiating_msg": "One moment.",
}
BOOK = [
    {"phone_number": "+14155550101", "transfer_condition": "They ask for sales."},
    {"phone_number": "+14155550102", "transfer_condition": "They want to complain."},
]


def action(**changes: Any) -> PlannedAction:
    return PlannedAction(uuid4(), "LIVE_TRANSFER", "Transfer", "", SETTINGS | changes)


def test_the_model_is_told_when_and_no_address() -> None:
    tool = tool_of(action())
    assert tool.description == "When they ask for a person."
    assert tool.parameters["properties"] == {}
    assert (tool.manner.start, tool.manner.timeout) == ("One moment.", None)
    several = tool_of(action(phone=None, **{PHONE_BOOK_ENTRIES: BOOK}))
    assert "destination_2: They want to complain." in several.description
    assert several.parameters["properties"]["destination"]["enum"] == ["destination_1", "destination_2"]
    assert "4155550101" not in str(several)


def test_the_choice_of_the_model_is_by_name() -> None:
    book = action(phone=None, **{PHONE_BOOK_ENTRIES: BOOK})
    order = order_of(book, {"destination": "destination_2"}, {})
    assert (order.destination, order.chosen) == ("+14155550102", "destination_2")
    assert order.others == ("destination_1",)
    for wrong in ({}, {"destination": "+19005550100"}, {"phone": "+19005550100"}):
        with pytest.raises(BadInput, match="destination_1, destination_2"):
            order_of(book, wrong, {})


def test_arguments_change_nothing_of_a_single_destination() -> None:
    order = order_of(action(), {"destination": "sip:evil@example.com", "phone": "+19005550100"}, {})
    assert order.destination == "sip:1001@example.org"


def test_an_empty_phone_book_leads_nowhere() -> None:
    with pytest.raises(BadInput, match="phone book is empty"):
        order_of(action(phone=None, **{PHONE_BOOK_ENTRIES: []}), {}, {})


def test_defaults() -> None:
    order = order_of(action(), {}, {})
    assert (order.mode, order.ring_timeout, order.detect_human, order.music, order.record) == (
        Mode.WARM,
        30.0,
        True,
        True,
        True,
    )


def test_settings_and_holes() -> None:
    order = order_of(
        action(
            phone="sip:{results.desk}@example.org",
            message_to_transfer_target="<name> is on the line.",
            goodbye_msg="Bye {name}.",
            digits="w204#",
            timeout=12,
            human_detection=False,
            human_detection_timeout_seconds=45,
            screened=True,
            preserve_caller_id=True,
            stop_recording_after_transfer=True,
            enable_background_music=False,
            sip_headers=[{"name": "X-Ticket", "value": "{ticket}"}],
        ),
        {},
        {"name": "Anna", "results.desk": "204", "ticket": "7\r\nX-Evil: 1"},
    )
    assert order.destination == "sip:204@example.org"
    assert (order.message, order.goodbye) == ("Anna is on the line.", "Bye Anna.")
    assert (order.ring_timeout, order.digits, order.detect_timeout) == (12.0, "w204#", 45.0)
    assert (order.detect_human, order.screened, order.preserve_caller_id) == (False, True, True)
    assert (order.record, order.music) == (False, False)
    assert order.headers == {"X-Ticket": "7 X-Evil: 1"}


def test_a_destination_that_stays_empty() -> None:
    for variables in ({}, {"desk": ""}):
        with pytest.raises(BadInput, match="was not filled"):
            order_of(action(phone="{desk}"), {}, variables)


def test_headers_are_bounded() -> None:
    long = [{"name": "X-Long", "value": "{text}"}]
    with pytest.raises(BadInput, match="more than"):
        order_of(action(sip_headers=long), {}, {"text": "x" * MOST_HEADERS})
    with pytest.raises(BadInput, match="no name"):
        order_of(action(sip_headers=[{"name": "From", "value": "x"}]), {}, {})


def test_hours() -> None:
    hours = {
        "timezone": "America/New_York",
        "schedule": [{"weekday": "monday", "interval": [{"from": "09:00", "to": "17:00"}]}],
        "unavailable_message": "We are closed, {name}.",
        "active": True,
    }
    monday = datetime(2026, 11, 23, 15, tzinfo=UTC)  # 10:00 there
    night = monday.replace(hour=5)
    assert closed(action(), monday, {}) is None
    assert closed(action(human_availability=hours), monday, {}) is None
    outside = closed(action(human_availability=hours), night, {"name": "Anna"})
    assert outside is not None
    assert (str(outside), outside.text) == ("transfer_outside_availability", "We are closed, Anna.")
    assert outside.said == outside.text
    silent = closed(action(human_availability=hours | {"unavailable_message": None}), night, {})
    assert silent is not None
    assert (silent.said, silent.text) == ("", "Nobody is available at this hour.")
    assert closed(action(human_availability=hours | {"active": False}), night, {}) is None


def test_the_summary_has_the_room_that_is_left() -> None:
    headers = {"X-About": "Call: {summary}", "X-Again": "{summary}", "X-Other": "a" * 1000}
    filled = with_summary(headers, "She wants\r\nX-Evil: a refund. " + "b" * 3000)
    assert filled["X-About"].startswith("Call: She wants")
    assert "\r" not in filled["X-About"] and "\n" not in filled["X-About"]
    assert sum(len(name) + len(value) + 4 for name, value in filled.items()) <= MOST_HEADERS
    assert with_summary({"X-About": "{summary}"}, "") == {"X-About": ""}
