"""What booking has in common whoever keeps the calendar: whom for, what is asked of a service, what it says no with."""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Protocol
from urllib.parse import urlencode

from trunkline.errors import Conflict, OutboundFailed
from trunkline.resources.vendors import Purpose, Vendors, content_of
from trunkline.resources.webhooks.record import Delivery

_TAKEN = re.compile(
    r"no longer available|not available|no_available_users|already (has|been|have|booked)|booking_conflict",
    re.I,
)


@dataclass(frozen=True)
class Attendee:
    """For whom a time is taken."""

    name: str
    email: str
    """"" where none is known."""
    phone: str
    """E.164; "" where none is known."""
    timezone: str


class Calendar(Protocol):
    """One calendar, for one run of an action.

    Raises:
        OutboundFailed: the service did not do it; the text says why and what to set.
        Conflict: the time is taken.
    """

    async def free(self, begin: datetime, end: datetime) -> list[datetime]:
        """When appointments may begin, in order."""
        ...

    async def taken_by(self, attendee: Attendee, start: datetime) -> str | None:
        """The booking that this talk, or this attendee, has at that time already; None where there is none."""
        ...

    async def book(self, attendee: Attendee, start: datetime) -> str:
        """Take the time; the booking's id."""
        ...


@dataclass(frozen=True)
class Service:
    """A service with a JSON API, asked on behalf of one run."""

    name: str
    secret: str
    """Name of the workspace's secret."""
    calendar: str
    """Name of the setting that says which calendar."""
    address: str
    key: str = field(repr=False)
    vendors: Vendors
    purpose: Purpose
    requests: list[Delivery] = field(default_factory=list)
    """What went out so far."""

    async def ask(
        self,
        method: str,
        path: str,
        *,
        headers: Mapping[str, str],
        query: Mapping[str, str] | None = None,
        body: Mapping[str, Any] | None = None,
    ) -> dict[str, Any]:
        """The JSON object that came back. Raises like `Calendar`."""
        url = f"{self.address}{path}" + (f"?{urlencode(query)}" if query else "")
        whole = {"Authorization": f"Bearer {self.key}", "Accept": "application/json", **headers}
        content = None
        if body is not None:
            whole["Content-Type"] = "application/json"
            content = json.dumps(body, ensure_ascii=False).encode()
        delivery = await self.vendors.ask(self.purpose, method, url, headers=whole, content=content)
        self.requests.append(delivery)
        if not delivery.succeeded:
            self._fail(delivery)
        return content_of(delivery)

    def _fail(self, delivery: Delivery) -> None:
        if delivery.answer is None:
            raise OutboundFailed(f"{self.name}: {delivery.error}", timed_out=delivery.timed_out)
        status, message = delivery.answer.status, _message(content_of(delivery))
        if _TAKEN.search(message):
            raise Conflict("that time is no longer free")
        if status in (401, 403):
            raise OutboundFailed(
                f"{self.name} refuses the key: put a valid one into the workspace secret {self.secret}"
            )
        if status == 404:
            raise OutboundFailed(f"{self.name} knows no such calendar: check {self.calendar} of the action")
        if status == 429:
            raise OutboundFailed(f"{self.name} takes no more requests just now; try again in a while")
        raise OutboundFailed(f"{self.name} answered {status}" + (f": {message}" if message else ""))


def moments(texts: object) -> list[datetime]:
    """Times written in ISO with their offset, in UTC; what is none of them is left out."""
    found = []
    for text in texts if isinstance(texts, list) else []:
        try:
            moment = datetime.fromisoformat(text)
        except (TypeError, ValueError):
            continue
        if moment.tzinfo is not None:
            # In UTC: in its own zone a time of an hour that comes twice equals nothing elsewhere (PEP 495).
            found.append(moment.astimezone(UTC))
    return found


def utc(moment: datetime) -> str:
    """ISO in UTC, such as `2026-12-01T08:00:00Z`."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _message(content: Mapping[str, Any]) -> str:
    error = content.get("error")
    told = error.get("message") if isinstance(error, dict) else content.get("message") or error
    if isinstance(told, list):
        return "; ".join(map(str, told))
    return str(told or "")[:500]
