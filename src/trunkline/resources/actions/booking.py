"""Booking as an action (REAL_TIME_BOOKING): free times are told, and the one that is chosen is taken.

One tool in two steps. Without `slot` it answers up to `max_time_slots` free times, with it it books. A time is
booked only if it lies within the action's days and is free at that moment, whatever the model says.
"""

import asyncio
import re
from collections.abc import Callable, Coroutine, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Any, TypeVar
from zoneinfo import ZoneInfo

from trunkline.errors import Conflict, OutboundFailed
from trunkline.resources.actions.calcom import CalcomCalendar
from trunkline.resources.actions.calendars import Attendee, Calendar, Service
from trunkline.resources.actions.ghl import GhlCalendar
from trunkline.resources.actions.messages import confirm, vendors_of
from trunkline.resources.actions.work import Means, Occasion, Outcome, PlannedAction
from trunkline.resources.calls import phone
from trunkline.resources.holes import HOLE, MESSAGE_HOLE, as_texts, fill_message
from trunkline.resources.vendors import VENDORS, Addresses
from trunkline.resources.workspaces.secrets import Name
from trunkline.voice.conversation.profile import Tool

A = TypeVar("A")
B = TypeVar("B")

AT_ONCE = timedelta(days=31)
"""What is asked of a calendar at once; GoHighLevel takes no more."""
LONGEST_NAME = 100
CONFIRMATION = "Your appointment is booked: {appointment_time}."
_EMAIL = re.compile(r"[^@\s<>\"',;:]{1,64}@[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)+")
_LONGEST_EMAIL = 254
_UNFIT = re.compile(r"[\x00-\x1f\x7f<>{}]+")


def _now() -> datetime:
    return datetime.now(UTC)


@dataclass(frozen=True)
class Days:
    """When an action's appointments may begin."""

    begin: datetime
    end: datetime
    """Exclusive."""
    timezone: ZoneInfo

    @classmethod
    def of(cls, settings: Mapping[str, Any], now: datetime) -> "Days":
        """`no_of_days` days from `first_appt_date`, or from `min_hours_diff` hours from now if that is later."""
        zone = ZoneInfo(settings["timezone"])
        soonest = now + timedelta(hours=settings["min_hours_diff"])
        first = max(date.fromisoformat(str(settings["first_appt_date"])), soonest.astimezone(zone).date())
        begin = max(_midnight(first, zone), soonest)
        return cls(begin, _midnight(first + timedelta(days=settings["no_of_days"]), zone), zone)

    def holds(self, moment: datetime) -> bool:
        return self.begin <= moment < self.end

    def local(self, moment: datetime) -> datetime:
        return moment.astimezone(self.timezone)

    def __str__(self) -> str:
        last = self.local(self.end - timedelta(microseconds=1))
        return f"from {self.local(self.begin):%Y-%m-%d} to {last:%Y-%m-%d}"


@dataclass(frozen=True)
class Booking:
    """The actions that book."""

    addresses: Addresses = VENDORS
    clock: Callable[[], datetime] = _now

    def tool_of(self, action: PlannedAction) -> Tool:
        """What the model sees: a wish and a choice, and of the attendee what the settings leave open."""
        fields = {
            "date": "The day that the other party wishes, as YYYY-MM-DD. Only when you ask for free times.",
            "slot": "The `start` of the free time that the other party has chosen. Only to book it.",
            "name": "The other party's name, for the appointment.",
        }
        calcom = action.settings.get("CALCOM")
        if not calcom or _is_open(calcom["user_email"]):
            fields["email"] = "The other party's e-mail address, as they spelled it."
        about = (
            "Book an appointment. Call it without slot first: it answers the free times. Offer those and no others, "
            "and call it again with the slot that was chosen. It is booked only when it answers status booked."
        )
        return Tool(
            name=action.name,
            description=" ".join(filter(None, (about, action.description))),
            parameters={
                "type": "object",
                "properties": {
                    name: {"type": "string", "description": text} for name, text in fields.items()
                },
                "additionalProperties": False,
            },
            record={"parameters_hard_coded": dict(action.settings)},
        )

    async def run(
        self, means: Means, action: PlannedAction, arguments: Mapping[str, Any], occasion: Occasion
    ) -> Outcome:
        """Answer free times, or book one. A booking gives `booking_id` and `booking_start` as variables."""
        vendors = vendors_of(means, self.addresses)
        which: Name = "calcom" if action.settings.get("CALCOM") else "ghl"
        account = await vendors.account(occasion.workspace_id, which)
        if account is None:
            return _failed(f"booking needs the workspace's key; put it into the workspace secret {which}")
        calendar, service = self._calendar(means, action, occasion, account)
        desk = Desk(action.settings, calendar, Days.of(action.settings, self.clock()))
        try:
            if arguments.get("slot"):
                outcome = await desk.book(arguments, occasion)
            else:
                outcome = await desk.offer(arguments)
        except (Conflict, OutboundFailed) as error:
            timed_out = isinstance(error, OutboundFailed) and error.timed_out
            outcome = _failed(str(error), timed_out=timed_out)
        sent = tuple(service.requests)
        if outcome.ok and outcome.value["status"] == "booked":
            told, request = await self._confirmed(means, action, occasion, outcome)
            return Outcome({**outcome.value, **told}, variables=outcome.variables, sent=sent + request)
        return Outcome(outcome.value, outcome.ok, outcome.error, outcome.timed_out, outcome.variables, sent)

    def _calendar(
        self, means: Means, action: PlannedAction, occasion: Occasion, account: Mapping[str, str]
    ) -> tuple[Calendar, Service]:
        vendors, purpose = vendors_of(means, self.addresses), occasion.purpose_of(action)
        zone = action.settings["timezone"]
        if (settings := action.settings.get("CALCOM")) is not None:
            service = Service(
                "Cal.com", "calcom", "event_id", self.addresses.calcom, account["api_key"], vendors, purpose
            )
            return CalcomCalendar(service, settings, zone, occasion.talk_id), service
        settings = action.settings["GHL"]
        service = Service(
            "GoHighLevel", "ghl", "calendar_id", self.addresses.ghl, account["api_key"], vendors, purpose
        )
        title = fill_message(settings["booking_title"], as_texts(occasion.variables))
        return GhlCalendar(service, settings, zone, title, account.get("location_id", "")), service

    async def _confirmed(
        self, means: Means, action: PlannedAction, occasion: Occasion, outcome: Outcome
    ) -> tuple[dict[str, str], tuple[Any, ...]]:
        """What is told of the confirmation by text message, and its request; the booking stands without it."""
        settings = action.settings.get("CALCOM") or {}
        if not settings.get("sms_boolean"):
            return {}, ()
        values = {**as_texts(occasion.variables), "appointment_time": outcome.value["spoken"]}
        sent = await confirm(
            vendors_of(means, self.addresses),
            action,
            settings.get("sms_message") or CONFIRMATION,
            values,
            occasion,
        )
        return {"sms": "sent" if sent.ok else sent.error}, (sent.delivery,) if sent.delivery else ()


@dataclass(frozen=True)
class Desk:
    """One run: a calendar, and the days in which it may be used."""

    settings: Mapping[str, Any]
    calendar: Calendar
    days: Days

    async def offer(self, arguments: Mapping[str, Any]) -> Outcome:
        """Free times, from the wished day on where there is a wish."""
        begin = self.days.begin
        if (wish := arguments.get("date")) is not None:
            try:
                wished = date.fromisoformat(str(wish))
            except ValueError:
                return _failed("date must be written as YYYY-MM-DD")
            begin = max(begin, _midnight(wished, self.days.timezone))
            if not (begin < self.days.end and wished >= self.days.local(self.days.begin).date()):
                return _failed(f"appointments are taken {self.days}; offer one of those days")
        found = await self._first(begin)
        if not found:
            return Outcome({"status": "no_slots", "searched": str(self.days)})
        return Outcome({"status": "slots", "timezone": str(self.days.timezone), "slots": self._told(found)})

    async def book(self, arguments: Mapping[str, Any], occasion: Occasion) -> Outcome:
        """Take the chosen time, unless this talk has it already."""
        attendee = attendee_of(self.settings, arguments, occasion)
        if isinstance(attendee, str):
            return _failed(attendee)
        try:
            wanted = datetime.fromisoformat(str(arguments["slot"]))
        except ValueError:
            return _failed(
                "slot must be the start of a free time, as it was answered; ask for free times again"
            )
        rough = (wanted if wanted.tzinfo else wanted.replace(tzinfo=self.days.timezone)).astimezone(UTC)
        if not self.days.holds(rough):
            return _failed(f"appointments are taken {self.days}; ask for free times and offer those")
        day = self.days.local(rough).date()
        zone = self.days.timezone
        free, former = await _both(
            self.calendar.free(_midnight(day, zone), _midnight(day + timedelta(days=1), zone)),
            self.calendar.taken_by(attendee, rough),
        )
        if former is not None:
            return self._booked(former, rough)
        start = next((slot for slot in free if self._is(slot, wanted)), None)
        if start is None or not self.days.holds(start):
            return await self._taken(rough)
        try:
            return self._booked(await self.calendar.book(attendee, start), start)
        except Conflict:
            return await self._taken(start)

    def _is(self, slot: datetime, wanted: datetime) -> bool:
        """Whether a time was meant: as a moment, or without an offset as what the clock on the wall shows."""
        if wanted.tzinfo is not None:
            return slot == wanted
        return self.days.local(slot).replace(tzinfo=None, fold=0) == wanted

    async def _taken(self, start: datetime) -> Outcome:
        """What is free instead, on that day and after it."""
        error = "that time is not free"
        begin = max(self.days.begin, _midnight(self.days.local(start).date(), self.days.timezone))
        others = await self._first(begin, but=start)
        return Outcome(
            {"status": "taken", "error": error, "slots": self._told(others)}, ok=False, error=error
        )

    async def _first(self, begin: datetime, but: datetime | None = None) -> list[datetime]:
        most, found = int(self.settings["max_time_slots"]), list[datetime]()
        while begin < self.days.end and len(found) < most:
            end = min(begin + AT_ONCE, self.days.end)
            free = await self.calendar.free(begin, end)
            found += [slot for slot in free if begin <= slot < end and slot != but]
            begin = end
        return found[:most]

    def _told(self, slots: list[datetime]) -> list[dict[str, str]]:
        local = [self.days.local(slot) for slot in slots]
        return [{"start": slot.isoformat(timespec="seconds"), "spoken": _spoken(slot)} for slot in local]

    def _booked(self, id_: str, start: datetime) -> Outcome:
        local = self.days.local(start)
        told = {"booking_id": id_, "start": local.isoformat(timespec="seconds"), "spoken": _spoken(local)}
        variables = {"booking_id": id_, "booking_start": told["start"]}
        return Outcome({"status": "booked", **told}, variables=variables)


def attendee_of(
    settings: Mapping[str, Any], arguments: Mapping[str, Any], occasion: Occasion
) -> Attendee | str:
    """For whom it is booked, or what has to be asked first. What settings and talk know wins over `arguments`."""
    variables = as_texts({name: value for name, value in occasion.variables.items() if value is not None})
    number = variables.get("user_phone_number", "")
    name = _UNFIT.sub(" ", str(arguments.get("name") or variables.get("name") or "")).strip()[:LONGEST_NAME]
    calcom = settings.get("CALCOM")
    email = fill_message(calcom["user_email"], variables).strip() if calcom else variables.get("email", "")
    if not _is_email(email):
        email = str(arguments.get("email") or "").strip()
        if email and not _is_email(email):
            return "email is not an address such as ann@example.com; ask for it again, letter by letter"
    if calcom and not email:
        return "the booking needs an e-mail address; ask for it, then call this again"
    if not name:
        return "the booking needs a name; ask for it, then call this again"
    return Attendee(name, email, number if phone.is_e164(number) else "", settings["timezone"])


async def _both(first: Coroutine[Any, Any, A], second: Coroutine[Any, Any, B]) -> tuple[A, B]:
    """Two at once; neither is left behind when the other fails."""
    one, two = await asyncio.gather(first, second, return_exceptions=True)
    if isinstance(one, BaseException):
        raise one
    if isinstance(two, BaseException):
        raise two
    return one, two


def _is_email(text: str) -> bool:
    return len(text) <= _LONGEST_EMAIL and _EMAIL.fullmatch(text) is not None


def _is_open(email: str) -> bool:
    """Whether a setting leaves the address to the talk."""
    return bool(HOLE.search(email) or MESSAGE_HOLE.search(email)) or not _is_email(email.strip())


def _midnight(day: date, zone: ZoneInfo) -> datetime:
    return datetime.combine(day, time(), tzinfo=zone)


def _spoken(local: datetime) -> str:
    return f"{local:%A} {local.day} {local:%B}, {local:%H:%M}"


def _failed(error: str, *, timed_out: bool = False) -> Outcome:
    return Outcome({"status": "failed", "error": error}, ok=False, error=error, timed_out=timed_out)


BOOKING = Booking()
