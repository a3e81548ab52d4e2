"""Batch calls on the wire."""

from typing import Annotated, Any, Self

from pydantic import AwareDatetime, Field, model_validator

from trunkline.platform.http.pagination import Pagination
from trunkline.platform.http.wire import Wire, WireInput, example
from trunkline.resources.batches.status import BatchStatus, TaskStatus
from trunkline.resources.calls.schemas import Target, Variables
from trunkline.resources.limits.schemas import MOST_CONCURRENT
from trunkline.resources.weekly_hours import WeeklyHours

MOST_TASKS = 10_000
LONGEST_ID = 255
_END_OF_TIME_MS = 253_402_300_799_999
"""The last millisecond of the year 9999."""


class TaskIn(WireInput):
    """One person to be called."""

    to_phone_number: Target
    id: Annotated[str, Field(min_length=1, max_length=LONGEST_ID)] | None = None
    """A task whose id is in the batch already is skipped."""
    lead_name: str = ""
    lead_email: str | None = None
    custom_variables: Variables | None = None
    override_model_id: str | None = None


class CallTimeWindow(WireInput):
    """When people may be called, in the time zone of the batch's agent."""

    enable: bool = False
    weekly_hours: WeeklyHours | None = None

    @model_validator(mode="before")
    @classmethod
    def _only_where_enabled(cls, value: Any) -> Any:
        disabled = isinstance(value, dict) and value.get("enable") in (None, False)
        return {} if disabled else value

    @model_validator(mode="after")
    def _some_hours(self) -> Self:
        if self.enable and not self.weekly_hours:
            raise ValueError(
                "weekly_hours must name at least one day, such as "
                '[{"weekday": "monday", "interval": [{"from": "09:00", "to": "17:00"}]}]'
            )
        return self


class BatchCallCreate(WireInput):
    """A new batch, or more tasks for one: with `batch_call_id` only `tasks` counts."""

    model_config = example(
        name="Reminders",
        model_id="0b7d3a4e-6a0e-4c5f-9a58-2c1f8f7f6f10",
        from_phone_number="+14155550100",
        tasks=[
            {"to_phone_number": "+14155552671", "lead_name": "Ann", "custom_variables": {"day": "Monday"}}
        ],
    )

    tasks: Annotated[list[TaskIn], Field(min_length=1, max_length=MOST_TASKS)]
    batch_call_id: str | None = None
    name: str = ""
    model_id: str | None = None
    from_phone_number: str | None = None
    trigger_timestamp: Annotated[int, Field(ge=0, le=_END_OF_TIME_MS)] | None = None
    """Epoch milliseconds; nobody is called before."""
    reserved_concurrency: Annotated[int, Field(ge=1, le=MOST_CONCURRENT)] | None = None
    """Calls of this batch that may be on at once."""
    call_time_window: CallTimeWindow | None = None


class BatchCallOut(Wire):
    """A batch, and how far it is."""

    batch_call_id: str
    name: str
    status: BatchStatus
    model_id: str
    from_phone_number: str
    total_task_count: int
    dispatched_count: int
    failed_count: int
    pending_count: int
    created_at: AwareDatetime


class BatchCallPage(Wire):
    """A page of batches."""

    pagination: Pagination
    batch_calls: list[BatchCallOut]


class BatchTaskOut(Wire):
    """A task, and what became of it."""

    id: str
    to_phone_number: str
    lead_name: str
    lead_email: str
    custom_variables: dict[str, Any]
    override_model_id: str
    status: TaskStatus
    call_id: str | None
    error_message: str | None


class BatchTaskPage(Wire):
    """A page of a batch's tasks."""

    pagination: Pagination
    tasks: list[BatchTaskOut]
