"""Cal.com and GoHighLevel as local servers: their slots, bookings and contacts, in their wire formats."""

import json
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import parse_qs, urlsplit
from zoneinfo import ZoneInfo

from tests.platform.outbound.web import Asked, Web, response, web
from tests.resources.api import BOX, Api
from trunkline.resources.workspaces import secrets

EVENT, CALENDAR, LOCATION, KEY = "7", "cal1", "loc1", "k3y"
HALF_HOUR = timedelta(minutes=30)


def answer(status: int, content: Mapping[str, Any]) -> bytes:
    return response(status, json.dumps(content).encode(), Content_Type="application/json; charset=utf-8")


@dataclass
class Diary:
    """What both have: free times, what was booked, and the next refusal of a booking."""

    server: Web
    free: list[datetime] = field(default_factory=list)
    booked: list[dict[str, Any]] = field(default_factory=list)
    refusal: tuple[int, str] | None = None
    """Status and message for every request that carries the right key."""
    seats: bool = False
    """A time stays free though it was booked."""
    loses_answers: bool = False
    """A booking is made, but its answer never comes."""

    @property
    def address(self) -> str:
        return self.server.url("")

    def _between(self, begin: datetime, end: datetime, zone: str) -> dict[str, list[str]]:
        days: dict[str, list[str]] = {}
        for slot in sorted(self.free):
            if begin <= slot < end:
                local = slot.astimezone(ZoneInfo(zone))
                days.setdefault(f"{local:%Y-%m-%d}", []).append(local.isoformat(timespec="milliseconds"))
        return days

    def _take(self, start: datetime) -> bool:
        if start not in self.free:
            return False
        if not self.seats:
            self.free.remove(start)
        return True


class Calcom(Diary):
    """https://cal.com/docs/api-reference/v2"""

    def answer(self, asked: Asked) -> bytes:
        path, query = (
            urlsplit(asked.target).path,
            parse_qs(urlsplit(asked.target).query, strict_parsing=False),
        )
        version = asked.headers.get("cal-api-version")
        if asked.headers.get("authorization") != f"Bearer {KEY}":
            return self._failed(asked, 401, "UnauthorizedException", "Invalid API Key")
        if self.refusal is not None:
            return self._failed(asked, self.refusal[0], "Refused", self.refusal[1])
        match asked.method, path, version:
            case "GET", "/v2/slots", "2024-09-04":
                if query["eventTypeId"] != [EVENT]:
                    return self._failed(asked, 404, "NotFoundException", "Event Type not found")
                begin, end = (datetime.fromisoformat(query[name][0]) for name in ("start", "end"))
                days = self._between(begin, end, query["timeZone"][0])
                slots = {day: [{"start": start} for start in starts] for day, starts in days.items()}
                return answer(200, {"status": "success", "data": slots})
            case "GET", "/v2/bookings", "2024-08-13":
                after, before = (
                    datetime.fromisoformat(query[name][0]) for name in ("afterStart", "beforeEnd")
                )
                there = [
                    each
                    for each in self.booked
                    if after <= datetime.fromisoformat(each["start"])
                    and datetime.fromisoformat(each["end"]) <= before
                ]
                return answer(
                    200, {"status": "success", "data": there, "pagination": {"totalItems": len(there)}}
                )
            case "POST", "/v2/bookings", "2024-08-13":
                return self._book(asked, json.loads(asked.body))
        return self._failed(asked, 404, "NotFoundException", f"Cannot {asked.method} {path}")

    def _book(self, asked: Asked, body: dict[str, Any]) -> bytes:
        assert set(body["attendee"]) >= {"name", "email", "timeZone"}
        assert isinstance(body["eventTypeId"], int)
        assert body["start"].endswith("Z")
        start = datetime.fromisoformat(body["start"])
        if not self._take(start):
            text = "User either already has booking at this time or is not available"
            return self._failed(asked, 400, "BadRequestException", text)
        made = {
            "id": len(self.booked) + 1,
            "uid": f"booking_uid_{len(self.booked) + 1}",
            "title": "Consultation",
            "status": "accepted",
            "start": f"{start:%Y-%m-%dT%H:%M:%S}.000Z",
            "end": f"{start + HALF_HOUR:%Y-%m-%dT%H:%M:%S}.000Z",
            "duration": 30,
            "eventTypeId": body["eventTypeId"],
            "attendees": [body["attendee"]],
            "location": body.get("location"),
            "metadata": body.get("metadata", {}),
        }
        self.booked.append(made)
        if self.loses_answers:
            return response(502)
        return answer(201, {"status": "success", "data": made})

    def _failed(self, asked: Asked, status: int, code: str, message: str) -> bytes:
        error = {"code": code, "message": message, "details": {"message": message, "statusCode": status}}
        told = {
            "status": "error",
            "timestamp": "2026-11-30T08:00:00.000Z",
            "path": asked.target,
            "error": error,
        }
        return answer(status, told)


@dataclass
class Ghl(Diary):
    """https://marketplace.gohighlevel.com/docs"""

    contacts: list[dict[str, Any]] = field(default_factory=list)

    def answer(self, asked: Asked) -> bytes:
        path, query = urlsplit(asked.target).path, parse_qs(urlsplit(asked.target).query)
        version = asked.headers.get("version")
        if asked.headers.get("authorization") != f"Bearer {KEY}":
            return answer(401, {"statusCode": 401, "message": "Invalid JWT", "error": "Unauthorized"})
        if self.refusal is not None:
            status, message = self.refusal
            return answer(status, {"statusCode": status, "message": message, "traceId": "t"})
        match asked.method, path, version:
            case "GET", "/calendars/cal1", "2021-04-15":
                return answer(200, {"calendar": {"id": CALENDAR, "locationId": LOCATION, "name": "Visits"}})
            case "GET", "/calendars/cal1/free-slots", "2021-04-15":
                begin, end = (_moment(query[name][0]) for name in ("startDate", "endDate"))
                if end - begin > timedelta(days=31):
                    return answer(
                        400, {"statusCode": 400, "message": "Date range cannot be more than 31 days"}
                    )
                days = self._between(begin, end, query["timezone"][0])
                return answer(200, {**{day: {"slots": slots} for day, slots in days.items()}, "traceId": "t"})
            case "GET", "/calendars/events", "2021-04-15":
                assert (query["locationId"], query["calendarId"]) == ([LOCATION], [CALENDAR])
                begin, end = (_moment(query[name][0]) for name in ("startTime", "endTime"))
                there = [
                    each for each in self.booked if begin <= datetime.fromisoformat(each["startTime"]) < end
                ]
                return answer(200, {"events": there, "traceId": "t"})
            case "POST", "/contacts/upsert", "2021-07-28":
                return self._upsert(json.loads(asked.body))
            case "POST", "/calendars/events/appointments", "2021-04-15":
                return self._book(json.loads(asked.body))
        return answer(404, {"statusCode": 404, "message": f"Cannot {asked.method} {path}"})

    def _upsert(self, body: dict[str, Any]) -> bytes:
        assert body["locationId"] == LOCATION
        known = next((each for each in self.contacts if each.get("phone") == body.get("phone")), None)
        if known is None:
            known = {"id": f"contact{len(self.contacts) + 1}"}
            self.contacts.append(known)
        known.update(body)
        return answer(200, {"new": True, "contact": known, "traceId": "t"})

    def _book(self, body: dict[str, Any]) -> bytes:
        assert set(body) >= {"calendarId", "locationId", "contactId", "startTime"}
        start = datetime.fromisoformat(body["startTime"])
        assert start.tzinfo is not None
        if not self._take(start.astimezone(UTC)):
            told = {"statusCode": 400, "message": "The slot you have selected is no longer available."}
            return answer(400, {**told, "error": "Bad Request", "traceId": "t"})
        made = {"id": f"appointment{len(self.booked) + 1}", **body}
        self.booked.append(made)
        return response(502) if self.loses_answers else answer(201, made)


def _moment(millis: str) -> datetime:
    return datetime.fromtimestamp(int(millis) / 1000, UTC)


@asynccontextmanager
async def calcom(api: Api) -> AsyncIterator[Calcom]:
    """An account of Cal.com that the workspace has."""
    async with web() as server:
        made = Calcom(server)
        server.answer = made.answer
        await _keep(api, "calcom", {"api_key": KEY})
        yield made


@asynccontextmanager
async def ghl(api: Api) -> AsyncIterator[Ghl]:
    """A location of GoHighLevel that the workspace has."""
    async with web() as server:
        made = Ghl(server)
        server.answer = made.answer
        await _keep(api, "ghl", {"api_key": KEY})
        yield made


async def _keep(api: Api, name: secrets.Name, value: dict[str, str]) -> None:
    async with api.database.system() as session:
        await secrets.store(session, BOX, api.workspace.id, name, value)
