"""Cal.com's calendar, by its API v2.

Sources: https://cal.com/docs/api-reference/v2/slots/get-available-time-slots-for-an-event-type (cal-api-version
2024-09-04), https://cal.com/docs/api-reference/v2/bookings/create-a-booking and …/get-all-bookings (2024-08-13).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from trunkline.errors import OutboundFailed
from trunkline.resources.actions.calendars import Attendee, Service, moments, utc

_SLOTS = {"cal-api-version": "2024-09-04"}
_BOOKINGS = {"cal-api-version": "2024-08-13"}
_TALK = "trunkline_talk_id"
"""Member of a booking's metadata by which a repeat finds it."""
_LOCATIONS = {"GMeet": "google-meet", "Zoom": "zoom"}


@dataclass(frozen=True)
class CalcomCalendar:
    """An event type of Cal.com."""

    service: Service
    settings: Mapping[str, Any]
    """`CALCOM` of the action."""
    timezone: str
    talk_id: str

    async def free(self, begin: datetime, end: datetime) -> list[datetime]:
        """See `Calendar`."""
        query = {
            "eventTypeId": str(self._event),
            "start": utc(begin),
            "end": utc(end),
            "timeZone": self.timezone,
        }
        content = await self.service.ask("GET", "/v2/slots", headers=_SLOTS, query=query)
        days = content.get("data")
        slots = [slot for day in days.values() for slot in day] if isinstance(days, dict) else []
        return sorted(moments([slot.get("start") for slot in slots if isinstance(slot, dict)]))

    async def taken_by(self, attendee: Attendee, start: datetime) -> str | None:
        """See `Calendar`: by the metadata that a talk leaves."""
        query = {
            "eventTypeId": str(self._event),
            "afterStart": utc(start - timedelta(minutes=1)),
            "beforeEnd": utc(start + timedelta(days=1)),
            "take": "100",
        }
        content = await self.service.ask("GET", "/v2/bookings", headers=_BOOKINGS, query=query)
        for booking in content.get("data") or []:
            ours = (booking.get("metadata") or {}).get(_TALK) == self.talk_id
            there = booking.get("status") not in ("cancelled", "rejected")
            if ours and there and moments([booking.get("start")]) == [start]:
                return str(booking["uid"])
        return None

    async def book(self, attendee: Attendee, start: datetime) -> str:
        """See `Calendar`."""
        who = {"name": attendee.name, "email": attendee.email, "timeZone": attendee.timezone}
        body: dict[str, Any] = {
            "eventTypeId": self._event,
            "start": utc(start),
            "attendee": {**who, "phoneNumber": attendee.phone} if attendee.phone else who,
            "metadata": {_TALK: self.talk_id},
        }
        if (meeting := self.settings.get("integration")) is not None:
            body["location"] = {"type": "integration", "integration": _LOCATIONS[meeting]}
        content = await self.service.ask("POST", "/v2/bookings", headers=_BOOKINGS, body=body)
        return str((content.get("data") or {}).get("uid") or "")

    @property
    def _event(self) -> int:
        try:
            return int(self.settings["event_id"])
        except ValueError:
            raise OutboundFailed(
                "Cal.com counts its event types: event_id of the action must be a number"
            ) from None
