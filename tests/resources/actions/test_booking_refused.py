"""For whom is booked, what is refused and how that is told, and the confirmation."""

from typing import Any

import pytest

from tests.resources.actions.bookings import NAMED, VARIABLES, at_calcom, at_ghl, occasion, run
from tests.resources.actions.diaries import Calcom, Ghl
from tests.resources.api import BOX, Api
from tests.resources.messages.account import THEIRS, account, connect
from trunkline.resources.actions.booking import Booking
from trunkline.resources.actions.work import PlannedAction
from trunkline.resources.workspaces import secrets

# ---- for whom ------------------------------------------------------------------------------------------


def fields(action: PlannedAction) -> set[str]:
    return set(Booking().tool_of(action).parameters["properties"])


def test_the_model_fills_an_address_only_where_the_setting_leaves_it_open() -> None:
    assert fields(at_calcom()) == {"date", "slot", "name", "email"}
    assert fields(at_calcom(CALCOM={"user_email": "desk@example.com"})) == {"date", "slot", "name"}
    assert fields(at_ghl()) == {"date", "slot", "name", "email"}


async def test_what_settings_and_talk_know_wins_over_the_model(api: Api, cal: Calcom) -> None:
    slot: dict[str, Any] = {"slot": "2026-12-01T09:00:00+01:00", **NAMED}
    await run(api, cal, at_calcom(), email="eve@example.com", **slot)
    fixed = at_calcom(CALCOM={"user_email": "desk@example.com"})
    await run(api, cal, fixed, email="eve@example.com", **{**slot, "slot": "2026-12-01T09:30:00+01:00"})
    assert [each["attendees"][0]["email"] for each in cal.booked] == ["ann@example.com", "desk@example.com"]


async def test_what_is_missing_is_asked_for(api: Api, cal: Calcom) -> None:
    nobody = {name: value for name, value in VARIABLES.items() if name != "email"}
    slot = "2026-12-01T09:00:00+01:00"

    async def told(**arguments: Any) -> str:
        when = occasion(api, variables=nobody)
        return (await run(api, cal, at_calcom(), when, slot=slot, **arguments)).error

    assert "needs an e-mail" in await told(name="Ann")
    assert "letter by letter" in await told(name="Ann", email="ann at example")
    assert "needs a name" in await told(email="ann@example.com")
    assert cal.booked == []
    assert await told(name="  Ann\n<b>{email}  ", email="ann@example.com") == ""
    assert cal.booked[0]["attendees"][0]["name"] == "Ann b email"


# ---- refusals ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("service", ["calcom", "ghl"])
@pytest.mark.parametrize(
    ("refusal", "words"),
    [
        ((401, "Invalid"), "workspace secret"),
        ((404, "Event type not found"), "check"),
        ((429, "Too Many Requests"), "try again"),
        ((422, "timeZone must be valid"), "timeZone must be valid"),
        ((500, ""), "answered 500"),
    ],
    ids=["key", "calendar", "rate", "value", "fault"],
)
async def test_refusals_are_told_in_words(
    api: Api, cal: Calcom, high: Ghl, service: str, refusal: tuple[int, str], words: str
) -> None:
    diary, action = (cal, at_calcom()) if service == "calcom" else (high, at_ghl())
    diary.refusal = refusal
    choice: dict[str, Any] = {"slot": "2026-12-01T09:00:00+01:00", **NAMED}
    for arguments in ({}, choice):
        outcome = await run(api, diary, action, **arguments)
        assert not outcome.ok
        assert words in outcome.error
        assert all(request.answer is not None for request in outcome.sent)


async def test_a_wrong_key_and_a_wrong_event_type(api: Api, cal: Calcom) -> None:
    assert "event_id" in (await run(api, cal, at_calcom(CALCOM={"event_id": "8"}))).error
    async with api.database.system() as session:
        await secrets.store(session, BOX, api.workspace.id, "calcom", {"api_key": "wrong"})
    assert "workspace secret calcom" in (await run(api, cal, at_calcom())).error


async def test_an_event_type_must_be_a_number(api: Api, cal: Calcom) -> None:
    for choice in ({}, {"slot": "2026-12-01T09:00:00+01:00", **NAMED}):
        outcome = await run(api, cal, at_calcom(CALCOM={"event_id": "intro"}), **choice)
        assert "must be a number" in outcome.error
        assert outcome.sent == ()


async def test_without_a_key_it_is_said_what_to_set(api: Api, high: Ghl) -> None:
    assert "workspace secret calcom" in (await run(api, high, at_calcom())).error


# ---- confirmation --------------------------------------------------------------------------------------


async def test_a_confirmation_goes_out_once(api: Api, cal: Calcom) -> None:
    await connect(api)
    action = at_calcom(CALCOM={"sms_boolean": True, "sms_message": "See you <appointment_time>, {email}"})
    when = occasion(api)
    async with account() as twilio:
        for _ in range(2):
            outcome = await run(
                api, cal, action, when, twilio=twilio.address, slot="2026-12-01T09:00:00+01:00", **NAMED
            )
            assert outcome.value["sms"] == "sent"
        (sent,) = twilio.sent
    assert sent["Body"] == "See you Tuesday 1 December, 09:00, ann@example.com"
    assert sent["To"] == THEIRS


async def test_a_booking_stands_though_its_confirmation_fails(api: Api, cal: Calcom) -> None:
    action = at_calcom(CALCOM={"sms_boolean": True})
    outcome = await run(api, cal, action, slot="2026-12-01T09:00:00+01:00", **NAMED)
    assert outcome.value["status"] == "booked"
    assert "workspace secret twilio" in outcome.value["sms"]
