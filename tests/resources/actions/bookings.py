"""Bookings as an agent asks for them, and when it is."""

from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

from tests.resources.actions.bodies import CALCOM, GHL
from tests.resources.actions.diaries import CALENDAR, Diary
from tests.resources.api import BOX, Api
from tests.resources.messages.account import OURS, THEIRS
from trunkline.resources.actions.booking import Booking
from trunkline.resources.actions.work import Means, Occasion, Outcome, PlannedAction
from trunkline.resources.vendors import Addresses
from trunkline.voice.conversation.profile import Medium

NOW = datetime(2026, 11, 30, 8, 0, tzinfo=UTC)  # a Monday, 09:00 in Berlin
DAYS = {"first_appt_date": "2026-12-01", "max_time_slots": 3, "min_hours_diff": 3, "no_of_days": 3}
VARIABLES = {
    "user_phone_number": THEIRS,
    "from_phone_number": THEIRS,
    "to_phone_number": OURS,
    "email": "ann@example.com",
}
NAMED: dict[str, Any] = {"name": "Ann Lee"}


def at(*parts: int) -> datetime:
    return datetime(*parts, tzinfo=UTC)  # type: ignore[arg-type, misc]


TUESDAY_AT_NINE = at(2026, 12, 1, 8)


def at_calcom(**changes: Any) -> PlannedAction:
    body = {**CALCOM, "user_email": "{email}", **changes.pop("CALCOM", {})}
    return planned({**DAYS, "timezone": "Europe/Berlin", "CALCOM": body, **changes})


def at_ghl(**changes: Any) -> PlannedAction:
    body = {**GHL, "calendar_id": CALENDAR, **changes.pop("GHL", {})}
    return planned({**DAYS, "timezone": "Europe/Berlin", "GHL": body, **changes})


def planned(settings: dict[str, Any]) -> PlannedAction:
    return PlannedAction(uuid4(), "REAL_TIME_BOOKING", "book", "", settings)


def occasion(api: Api, **changes: Any) -> Occasion:
    values = {
        "workspace_id": api.workspace.id,
        "agent_id": uuid4(),
        "talk_id": str(uuid4()),
        "medium": Medium.CALL,
        "variables": VARIABLES,
        "run_id": str(uuid4()),
    }
    return Occasion(**{**values, **changes})


async def run(
    api: Api,
    diary: Diary,
    action: PlannedAction,
    when: Occasion | None = None,
    now: datetime = NOW,
    twilio: str = "",
    **arguments: Any,
) -> Outcome:
    work = Booking(Addresses(twilio, diary.address, diary.address), lambda: now)
    means = Means(api.database, BOX, api.platform.outbound)
    return await work.run(means, action, arguments, when or occasion(api))


def starts(outcome: Outcome) -> list[str]:
    return [each["start"] for each in outcome.value["slots"]]
