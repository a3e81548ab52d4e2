"""How batches and tasks are shown."""

from collections import Counter

from trunkline.resources.batches.models import BatchCall, BatchTask
from trunkline.resources.batches.schemas import BatchCallOut, BatchTaskOut
from trunkline.resources.batches.status import BatchStatus, TaskStatus


def shown(batch: BatchCall, tasks: Counter[TaskStatus]) -> BatchCallOut:
    """A batch and how far it is."""
    return BatchCallOut(
        batch_call_id=str(batch.id),
        name=batch.name,
        status=BatchStatus(batch.status),
        model_id=str(batch.agent_id),
        from_phone_number=batch.from_number,
        total_task_count=tasks.total(),
        dispatched_count=tasks[TaskStatus.DISPATCHED],
        failed_count=tasks[TaskStatus.FAILED],
        pending_count=tasks[TaskStatus.PENDING],
        created_at=batch.created_at,
    )


def shown_task(task: BatchTask, fault: str | None) -> BatchTaskOut:
    """A task; `fault` is its call's."""
    return BatchTaskOut(
        id=task.task_id,
        to_phone_number=task.to_number,
        lead_name=task.lead_name,
        lead_email=task.lead_email or "",
        custom_variables=task.variables,
        override_model_id="" if task.override_agent_id is None else str(task.override_agent_id),
        status=TaskStatus(task.status),
        call_id=None if task.call_id is None else str(task.call_id),
        error_message=task.error_message or fault or None,
    )
