"""Which logs a list shall show, read from a query."""

import re
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Annotated, Literal

from fastapi import Depends, Query

from trunkline.resources.calls.filters import moment
from trunkline.resources.webhooks.record import WebhookKind

LogStatus = Literal["pending", "success", "failed"]
LogMethod = Literal["get", "post", "put", "patch", "delete"]
_DAY = re.compile(r"\d{4}-\d\d-\d\d")


@dataclass(frozen=True, slots=True)
class LogFilter:
    """What a log must be like; None asks nothing. Hashable, so that totals can be remembered by it."""

    search: str | None = None
    """Part of the address, or the whole id of the log, its call, agent or action."""
    kind: str | None = None
    status: str | None = None
    method: str | None = None
    since: datetime | None = None
    until: datetime | None = None
    """Inclusive."""
    agent: str | None = None
    call: str | None = None


def _until(text: str) -> datetime:
    end = moment("to_date", text)
    return end + timedelta(days=1, microseconds=-1) if _DAY.fullmatch(text) else end


def _filter(
    search: Annotated[str | None, Query(max_length=1000)] = None,
    webhook_type: WebhookKind | None = None,
    status: LogStatus | None = None,
    http_method: LogMethod | None = None,
    from_date: str | None = None,
    to_date: str | None = None,
    assistant_id: str | None = None,
    call_id: str | None = None,
) -> LogFilter:
    return LogFilter(
        search=search,
        kind=webhook_type,
        status=status,
        method=http_method,
        since=moment("from_date", from_date) if from_date else None,
        until=_until(to_date) if to_date else None,
        agent=assistant_id,
        call=call_id,
    )


Filter = Annotated[LogFilter, Depends(_filter)]
