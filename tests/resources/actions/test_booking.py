"""Booking as an action: what is free is told, what was chosen is taken, once, at either service."""

from typing import Any

import pytest

from tests.resources.actions.bookings import NAMED, VARIABLES, at, at_calcom, at_ghl, occasion, run, starts
from tests.resources.actions.diaries import CALENDAR, KEY, LOCATION, Calcom, Ghl
from tests.resources.api import BOX, Api
from tests.resources.messages.account import THEIRS
from trunkline.resources.workspaces import secrets

# ---- what is free --------------------------------------------------------------------------------------


async def test_free_times_are_told_in_the_actions_time_zone(api: Api, cal: Calcom) -> None:
    outcome = await run(api, cal, at_calcom())
    assert outcome.ok
    assert outcome.value == {
        "status": "slots",
        "timezone": "Europe/Berlin",
        "slots": [
            {"start": "2026-12-01T09:00:00+01:00", "spoken": "Tuesday 1 December, 09:00"},
            {"start": "2026-12-01T09:30:00+01:00", "spoken": "Tuesday 1 December, 09:30"},
            {"start": "2026-12-01T10:00:00+01:00", "spoken": "Tuesday 1 December, 10:00"},
        ],
    }
    (request,) = outcome.sent
    assert request.url.startswith(f"{cal.address}/v2/slots?eventTypeId=7&start=2026-11-30T23%3A00%3A00Z")
    assert "timeZone=Europe%2FBerlin" in request.url


async def test_both_services_tell_the_same(api: Api, cal: Calcom, high: Ghl) -> None:
    assert starts(await run(api, high, at_ghl())) == starts(await run(api, cal, at_calcom()))


LONG_AGO = "2026-01-01"


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({}, "2026-12-01T09:00:00+01:00"),
        ({"first_appt_date": "2026-12-02"}, "2026-12-02T09:00:00+01:00"),
        ({"first_appt_date": LONG_AGO}, "2026-11-30T15:00:00+01:00"),
        ({"first_appt_date": LONG_AGO, "min_hours_diff": 1}, "2026-11-30T11:00:00+01:00"),
        ({"first_appt_date": LONG_AGO, "min_hours_diff": 7}, None),
        ({"first_appt_date": LONG_AGO, "min_hours_diff": 7, "no_of_days": 2}, "2026-12-01T09:00:00+01:00"),
        ({"first_appt_date": LONG_AGO, "min_hours_diff": 48}, "2026-12-02T09:00:00+01:00"),
        ({"first_appt_date": "2026-12-03"}, None),
    ],
    ids=[
        "first day",
        "later",
        "today",
        "soonest",
        "too soon",
        "next day",
        "days count from the soonest",
        "none",
    ],
)
async def test_days_and_bounds(api: Api, cal: Calcom, changes: dict[str, Any], expected: str | None) -> None:
    today = [at(2026, 11, 30, 10), at(2026, 11, 30, 14)]
    cal.free = [*today, at(2026, 12, 1, 8), at(2026, 12, 2, 8), at(2026, 12, 4, 8)]
    outcome = await run(api, cal, at_calcom(**{"max_time_slots": 1, "no_of_days": 1, **changes}))
    assert outcome.ok
    assert outcome.value["status"] == ("slots" if expected else "no_slots")
    if expected:
        assert starts(outcome) == [expected]


@pytest.mark.parametrize("service", ["calcom", "ghl"])
async def test_a_long_search_goes_on_month_by_month(api: Api, cal: Calcom, high: Ghl, service: str) -> None:
    diary, action = (cal, at_calcom(no_of_days=90)) if service == "calcom" else (high, at_ghl(no_of_days=90))
    diary.free = [at(2027, 2, 10, 9)]
    assert starts(await run(api, diary, action)) == ["2027-02-10T10:00:00+01:00"]


async def test_a_wish_is_where_the_search_begins(api: Api, cal: Calcom) -> None:
    cal.free.append(at(2026, 12, 2, 15))
    assert starts(await run(api, cal, at_calcom(), date="2026-12-02")) == ["2026-12-02T16:00:00+01:00"]
    late = await run(api, cal, at_calcom(), date="2026-12-24")
    assert "from 2026-12-01 to 2026-12-03" in late.error
    assert "from 2026-12-01" in (await run(api, cal, at_calcom(), date="2026-11-30")).error
    assert "YYYY-MM-DD" in (await run(api, cal, at_calcom(), date="tomorrow")).error


async def test_the_clocks_change(api: Api, cal: Calcom) -> None:
    # Berlin, 29 March 2026: 02:00 becomes 03:00. The day has 23 hours, its slots the right offsets.
    cal.free = [at(2026, 3, 28, 23, 30), at(2026, 3, 29, 0, 30), at(2026, 3, 29, 1, 30), at(2026, 3, 29, 22)]
    action = at_calcom(first_appt_date="2026-03-29", no_of_days=1)
    outcome = await run(api, cal, action, now=at(2026, 3, 1))
    assert starts(outcome) == [
        "2026-03-29T00:30:00+01:00",
        "2026-03-29T01:30:00+01:00",
        "2026-03-29T03:30:00+02:00",
    ]


async def test_an_hour_that_comes_twice_is_told_apart_by_its_offset(api: Api, cal: Calcom) -> None:
    # Berlin, 25 October 2026: 02:30 is at 00:30 and at 01:30 UTC.
    cal.free = [at(2026, 10, 25, 0, 30), at(2026, 10, 25, 1, 30)]
    action = at_calcom(first_appt_date="2026-10-25", no_of_days=1)
    now = at(2026, 10, 1)
    first, second = starts(await run(api, cal, action, now=now))
    assert (first, second) == ("2026-10-25T02:30:00+02:00", "2026-10-25T02:30:00+01:00")
    assert (await run(api, cal, action, now=now, slot=second, **NAMED)).ok
    assert cal.booked[0]["start"] == "2026-10-25T01:30:00.000Z"


# ---- booking -------------------------------------------------------------------------------------------


async def test_a_chosen_time_is_booked_at_calcom(api: Api, cal: Calcom) -> None:
    when = occasion(api)
    action = at_calcom(CALCOM={"integration": "GMeet"})
    (slot, *_) = starts(await run(api, cal, action, when))
    outcome = await run(api, cal, action, when, slot=slot, **NAMED)
    assert outcome.value == {
        "status": "booked",
        "booking_id": "booking_uid_1",
        "start": slot,
        "spoken": "Tuesday 1 December, 09:00",
    }
    assert outcome.variables == {"booking_id": "booking_uid_1", "booking_start": slot}
    (booked,) = cal.booked
    assert booked["start"] == "2026-12-01T08:00:00.000Z"
    assert booked["attendees"] == [
        {
            "name": "Ann Lee",
            "email": "ann@example.com",
            "timeZone": "Europe/Berlin",
            "phoneNumber": THEIRS,
        }
    ]
    assert booked["location"] == {"type": "integration", "integration": "google-meet"}
    assert [request.method for request in outcome.sent] == ["GET", "GET", "POST"]
    assert {request.action_id for request in outcome.sent} == {action.id}


async def test_a_chosen_time_is_booked_at_gohighlevel(api: Api, high: Ghl) -> None:
    action = at_ghl(GHL={"autoconfirm": "confirmed", "booking_title": "Visit of {email}"})
    outcome = await run(api, high, action, slot="2026-12-01T09:30:00+01:00", **NAMED)
    assert outcome.value["booking_id"] == "appointment1"
    (contact,) = high.contacts
    assert contact == {
        "id": "contact1",
        "locationId": LOCATION,
        "name": "Ann Lee",
        "email": "ann@example.com",
        "phone": THEIRS,
    }
    (booked,) = high.booked
    assert booked == {
        "id": "appointment1",
        "calendarId": CALENDAR,
        "locationId": LOCATION,
        "contactId": "contact1",
        "startTime": "2026-12-01T09:30:00+01:00",
        "title": "Visit of ann@example.com",
        "appointmentStatus": "confirmed",
    }


async def test_a_location_that_was_given_is_not_asked_for(api: Api, high: Ghl) -> None:
    async with api.database.system() as session:
        value = {"api_key": KEY, "location_id": LOCATION}
        await secrets.store(session, BOX, api.workspace.id, "ghl", value)
    outcome = await run(api, high, at_ghl(), slot="2026-12-01T09:30:00+01:00", **NAMED)
    assert outcome.ok
    assert not any(request.url.endswith(f"/calendars/{CALENDAR}") for request in outcome.sent)


@pytest.mark.parametrize(
    "slot",
    ["2026-12-01T09:00:00+01:00", "2026-12-01T08:00:00Z", "2026-12-01T09:00", "2026-12-01 09:00:00"],
    ids=["local", "utc", "wall", "blank"],
)
async def test_a_time_may_be_written_in_several_ways(api: Api, cal: Calcom, slot: str) -> None:
    assert (await run(api, cal, at_calcom(), slot=slot, **NAMED)).value["status"] == "booked"
    assert cal.booked[0]["start"] == "2026-12-01T08:00:00.000Z"


@pytest.mark.parametrize("service", ["calcom", "ghl"])
async def test_only_what_is_free_is_booked_and_others_are_offered(
    api: Api, cal: Calcom, high: Ghl, service: str
) -> None:
    diary, action = (cal, at_calcom()) if service == "calcom" else (high, at_ghl())
    outcome = await run(api, diary, action, slot="2026-12-01T12:00:00+01:00", **NAMED)
    assert (outcome.ok, outcome.value["status"]) == (False, "taken")
    assert starts(outcome)[0] == "2026-12-01T09:00:00+01:00"
    assert diary.booked == []


@pytest.mark.parametrize("service", ["calcom", "ghl"])
async def test_a_time_that_goes_while_it_is_booked(api: Api, cal: Calcom, high: Ghl, service: str) -> None:
    diary, action = (cal, at_calcom()) if service == "calcom" else (high, at_ghl())
    diary._take = lambda start: False  # type: ignore[method-assign]
    outcome = await run(api, diary, action, slot="2026-12-01T09:00:00+01:00", **NAMED)
    assert (outcome.ok, outcome.value["status"]) == (False, "taken")
    assert starts(outcome) == [
        "2026-12-01T09:30:00+01:00",
        "2026-12-01T10:00:00+01:00",
        "2026-12-01T10:30:00+01:00",
    ]


@pytest.mark.parametrize(
    ("slot", "words"),
    [
        ("2026-12-24T09:00:00+01:00", "from 2026-12-01 to 2026-12-03"),
        ("2026-11-30T11:00:00+01:00", "from 2026-12-01"),
        ("at nine", "start of a free time"),
    ],
    ids=["late", "soon", "words"],
)
async def test_nothing_outside_the_actions_days_is_booked(
    api: Api, cal: Calcom, slot: str, words: str
) -> None:
    cal.free += [at(2026, 12, 24, 8), at(2026, 11, 30, 10)]
    outcome = await run(api, cal, at_calcom(), slot=slot, **NAMED)
    assert words in outcome.error
    assert (cal.booked, outcome.sent) == ([], ())


@pytest.mark.parametrize("service", ["calcom", "ghl"])
@pytest.mark.parametrize("seats", [False, True], ids=["one", "seats"])
async def test_a_repeat_books_nothing_twice(
    api: Api, cal: Calcom, high: Ghl, service: str, seats: bool
) -> None:
    diary, action = (cal, at_calcom()) if service == "calcom" else (high, at_ghl())
    diary.seats = seats
    diary.loses_answers = True
    when = occasion(api)
    slot = "2026-12-01T09:00:00+01:00"
    assert not (await run(api, diary, action, when, slot=slot, **NAMED)).ok
    again = await run(api, diary, action, when, slot=slot, **NAMED)
    assert again.value["status"] == "booked"
    assert len(diary.booked) == 1
    stranger = occasion(api, variables={**VARIABLES, "user_phone_number": "+14155559999"})
    other = await run(api, diary, action, stranger, slot=slot, **NAMED)
    assert other.value["status"] == ("failed" if seats else "taken")  # it still loses its answers
    assert len(diary.booked) == (2 if seats else 1)
