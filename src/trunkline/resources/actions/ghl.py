"""GoHighLevel's calendars (LeadConnector), by its API v2.

Sources: https://marketplace.gohighlevel.com/docs/ghl/calendars/get-slots, …/create-appointment, …/get-calendar-events
(Version 2021-04-15) and https://marketplace.gohighlevel.com/docs/ghl/contacts/upsert-contact (Version 2021-07-28).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import quote
from zoneinfo import ZoneInfo

from trunkline.errors import OutboundFailed
from trunkline.resources.actions.calendars import Attendee, Service, moments

_CALENDARS = {"Version": "2021-04-15"}
_CONTACTS = {"Version": "2021-07-28"}
_OVER = ("cancelled", "noshow", "invalid")


@dataclass
class GhlCalendar:
    """A calendar of one location."""

    service: Service
    settings: Mapping[str, Any]
    """`GHL` of the action."""
    timezone: str
    title: str
    """Of the appointment."""
    location: str
    """"" to have it looked up."""

    async def free(self, begin: datetime, end: datetime) -> list[datetime]:
        """See `Calendar`. The service takes 31 days at most."""
        query = {"startDate": _millis(begin), "endDate": _millis(end), "timezone": self.timezone}
        content = await self.service.ask("GET", f"{self._path}/free-slots", headers=_CALENDARS, query=query)
        days = [day.get("slots") for day in content.values() if isinstance(day, dict)]
        return sorted(slot for slots in days for slot in moments(slots))

    async def taken_by(self, attendee: Attendee, start: datetime) -> str | None:
        """See `Calendar`: an appointment of the same contact."""
        query = {
            "locationId": await self._location(),
            "calendarId": self.settings["calendar_id"],
            "startTime": _millis(start),
            "endTime": _millis(start + timedelta(minutes=1)),
        }
        content = await self.service.ask("GET", "/calendars/events", headers=_CALENDARS, query=query)
        there = [
            event
            for event in content.get("events") or []
            if moments([event.get("startTime")]) == [start] and event.get("appointmentStatus") not in _OVER
        ]
        if not there:
            return None
        contact = await self._contact(attendee)
        return next((str(event["id"]) for event in there if event.get("contactId") == contact), None)

    async def book(self, attendee: Attendee, start: datetime) -> str:
        """See `Calendar`."""
        body = {
            "calendarId": self.settings["calendar_id"],
            "locationId": await self._location(),
            "contactId": await self._contact(attendee),
            "startTime": start.astimezone(ZoneInfo(self.timezone)).isoformat(timespec="seconds"),
            "title": self.title,
            "appointmentStatus": self.settings["autoconfirm"],
        }
        content = await self.service.ask(
            "POST", "/calendars/events/appointments", headers=_CALENDARS, body=body
        )
        return str(content.get("id") or "")

    async def _contact(self, attendee: Attendee) -> str:
        given = {"name": attendee.name, "email": attendee.email, "phone": attendee.phone}
        body = {"locationId": await self._location(), **{name: text for name, text in given.items() if text}}
        content = await self.service.ask("POST", "/contacts/upsert", headers=_CONTACTS, body=body)
        contact = (content.get("contact") or {}).get("id")
        if not contact:
            raise OutboundFailed("GoHighLevel named no contact for the appointment")
        return str(contact)

    async def _location(self) -> str:
        if self.location:
            return self.location
        content = await self.service.ask("GET", self._path, headers=_CALENDARS)
        found = str((content.get("calendar") or {}).get("locationId") or "")
        if not found:
            raise OutboundFailed(
                "GoHighLevel names no location: put location_id into the workspace secret ghl"
            )
        self.location = found
        return found

    @property
    def _path(self) -> str:
        return f"/calendars/{quote(self.settings['calendar_id'], safe='')}"


def _millis(moment: datetime) -> str:
    return str(round(moment.timestamp() * 1000))
