"""The rules of batch calls. Who places them is `tasks.py`."""

from collections import Counter
from collections.abc import Sequence
from datetime import UTC, datetime
from uuid import UUID, uuid4

from trunkline.errors import BadInput, Conflict, NotFound
from trunkline.resources import weekly_hours
from trunkline.resources.agents.repository import AgentRepository
from trunkline.resources.batches.models import BatchCall, BatchTask
from trunkline.resources.batches.repository import BatchRepository
from trunkline.resources.batches.schemas import BatchCallCreate, CallTimeWindow, TaskIn
from trunkline.resources.batches.status import BatchStatus, TaskStatus, move
from trunkline.resources.numbers.repository import NumberRepository

Counted = tuple[BatchCall, Counter[TaskStatus]]
"""A batch and how many of its tasks are in each status."""


class Batches:
    """The batches of one workspace, within one transaction."""

    def __init__(self, batches: BatchRepository, agents: AgentRepository, numbers: NumberRepository) -> None:
        self._batches = batches
        self._agents = agents
        self._numbers = numbers

    async def take(self, body: BatchCallCreate) -> Counted:
        """Open a batch, or append to the one that is named.

        Raises:
            BadInput: model or number are missing or unknown, or the batch is.
            Conflict: the batch was canceled.
        """
        batch = (
            await self._open(body) if body.batch_call_id is None else await self._found(body.batch_call_id)
        )
        overrides = await self._overrides(body.tasks)
        await self._batches.add_tasks(batch, [_columns(task, overrides) for task in body.tasks])
        return await self._counted(batch)

    async def get(self, batch_id: str) -> Counted:
        """One batch. Raises NotFound."""
        return await self._counted(await self._get(batch_id))

    async def page(self, limit: int, offset: int) -> tuple[list[Counted], int]:
        """Batches, newest first, and how many there are."""
        found, total = await self._batches.page(limit, offset)
        counts = await self._batches.counts([batch.id for batch in found])
        return [(batch, counts[batch.id]) for batch in found], total

    async def tasks(
        self, batch_id: str, status: TaskStatus | None, limit: int, offset: int
    ) -> tuple[Sequence[tuple[BatchTask, str | None]], int]:
        """A batch's tasks in the order added, each with the fault of its call. Raises NotFound."""
        return await self._batches.tasks(await self._get(batch_id), status, limit, offset)

    async def pause(self, batch_id: str) -> Counted:
        """Dial nobody more for now. Raises NotFound; Conflict when there is nothing to pause."""
        batch = await self._get(batch_id, lock=True)
        batch.status = move(BatchStatus(batch.status), BatchStatus.PAUSED)
        return await self._counted(batch)

    async def resume(self, batch_id: str) -> Counted:
        """Go on after a pause. Raises NotFound; Conflict when it is not paused."""
        batch = await self._get(batch_id, lock=True)
        if batch.status != BatchStatus.PAUSED:
            raise Conflict(f"Only a paused batch can be resumed; this one is {batch.status}.")
        begun = BatchStatus.SCHEDULED if batch.started_at is None else BatchStatus.IN_PROGRESS
        batch.status = move(BatchStatus.PAUSED, begun)
        return await self._counted(batch)

    async def cancel(self, batch_id: str) -> Counted:
        """Call off what waits; calls that are placed go on. Raises NotFound; Conflict when it is over."""
        batch = await self._get(batch_id, lock=True)
        batch.status = move(BatchStatus(batch.status), BatchStatus.CANCELED)
        await self._batches.cancel_tasks(batch)
        return await self._counted(batch)

    async def _get(self, batch_id: str, *, lock: bool = False) -> BatchCall:
        batch = await self._batches.get(batch_id, lock=lock)
        if batch is None:
            raise NotFound(f"There is no batch {batch_id}.")
        return batch

    async def _counted(self, batch: BatchCall) -> Counted:
        await self._batches.flush()
        return batch, (await self._batches.counts([batch.id]))[batch.id]

    async def _open(self, body: BatchCallCreate) -> BatchCall:
        if not body.model_id or not body.from_phone_number:
            missing = "from_phone_number" if body.model_id else "model_id"
            raise BadInput(
                f"{missing} is required to open a batch; to append to one, send its batch_call_id instead."
            )
        agent = await self._agents.get(body.model_id)
        if agent is None:
            raise BadInput(f"model_id: there is no agent {body.model_id}.")
        number = await self._numbers.find(body.from_phone_number)
        if number is None:
            raise BadInput(
                f"from_phone_number: {body.from_phone_number} is no number of this workspace; import it with "
                "POST /v2/custom-numbers."
            )
        batch = BatchCall(
            agent_id=agent.id,
            name=body.name,
            from_number=number.number,
            status=BatchStatus.SCHEDULED,
            trigger_at=_moment(body.trigger_timestamp),
            reserved_concurrency=body.reserved_concurrency,
            weekly_hours=_hours(body.call_time_window),
        )
        await self._batches.add(batch)
        return batch

    async def _found(self, batch_id: str) -> BatchCall:
        """The batch to append to; one that was completed goes on."""
        batch = await self._batches.get(batch_id, lock=True)
        if batch is None:
            raise BadInput(f"batch_call_id: there is no batch {batch_id}; leave it out to open one.")
        if batch.status == BatchStatus.CANCELED:
            raise Conflict("batch_call_id: this batch was canceled, which is final; open a new one.")
        if batch.status == BatchStatus.COMPLETED:
            batch.status = move(BatchStatus.COMPLETED, BatchStatus.IN_PROGRESS)
        return batch

    async def _overrides(self, tasks: Sequence[TaskIn]) -> dict[str, UUID]:
        """The agents that single tasks name, by the name they give them. Raises BadInput."""
        named: dict[str, UUID] = {}
        for place, task in enumerate(tasks):
            name = task.override_model_id
            if not name or name in named:
                continue
            agent = await self._agents.get(name)
            if agent is None:
                raise BadInput(f"tasks.{place}.override_model_id: there is no agent {name}.")
            named[name] = agent.id
        return named


def _columns(task: TaskIn, overrides: dict[str, UUID]) -> dict[str, object]:
    override = overrides[task.override_model_id] if task.override_model_id else None
    return {
        "task_id": task.id or str(uuid4()),
        "to_number": task.to_phone_number,
        "lead_name": task.lead_name,
        "lead_email": task.lead_email,
        "variables": task.custom_variables or {},
        "override_agent_id": None if override is None else str(override),
    }


def _moment(epoch_ms: int | None) -> datetime | None:
    return None if epoch_ms is None else datetime.fromtimestamp(epoch_ms / 1000, UTC)


def _hours(window: CallTimeWindow | None) -> list[object] | None:
    if window is None or not window.enable or window.weekly_hours is None:
        return None
    return list(weekly_hours.stored(window.weekly_hours))
