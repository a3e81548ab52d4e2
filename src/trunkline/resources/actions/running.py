"""Runs the tools of one talk: by name, with arguments bound, its requests logged, its results kept as variables."""

import asyncio
import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any
from uuid import UUID, uuid4

import structlog

from trunkline.errors import NotFound, TrunklineError
from trunkline.platform.storage.database import Database
from trunkline.resources.actions.offering import WORK, OfferedAction
from trunkline.resources.actions.results import merged
from trunkline.resources.actions.work import Means, Occasion, Outcome, PlannedAction
from trunkline.resources.holes import as_texts
from trunkline.resources.webhooks.record import Delivery, record
from trunkline.voice.conversation.profile import Medium
from trunkline.voice.driver.ports import ToolAnswer

log = structlog.get_logger(__name__)

LONGEST_RESULT = 16_000
"""Characters of a result that the model reads."""
_LOGGED_WITHIN = 5.0
"""Seconds that logs have, when a talk is over, to be written down."""
_WRITING: set[asyncio.Task[None]] = set()


@dataclass(frozen=True)
class Place:
    """The talk in which tools run, as far as it does not change."""

    workspace_id: UUID
    agent_id: UUID
    talk_id: str
    medium: Medium
    timezone: str = "UTC"
    names: tuple[str, ...] | None = None
    """For its logs, as in `Delivery`."""


class DeliveryLog:
    """Writes logs of requests behind the talk's back: it waits for no database."""

    def __init__(self, database: Database, place: Place) -> None:
        self._database = database
        self._place = place
        self._writing: set[asyncio.Task[None]] = set()

    def add(self, delivery: Delivery) -> None:
        """Have a request logged."""
        task = asyncio.create_task(self._write(delivery), name="log a request")
        self._writing.add(task)
        task.add_done_callback(self._writing.discard)
        _WRITING.add(task)  # nobody else may know it any more when it ends
        task.add_done_callback(_WRITING.discard)

    async def close(self) -> None:
        """Wait until all is written, for a while."""
        if self._writing:
            await asyncio.wait(self._writing, timeout=_LOGGED_WITHIN)

    async def _write(self, delivery: Delivery) -> None:
        try:
            async with self._database.workspace(self._place.workspace_id) as session:
                await record(session, self._place.workspace_id, replace(delivery, names=self._place.names))
        except TrunklineError as error:
            log.warning("request_not_logged", kind=delivery.kind, error=type(error).__name__)


class ToolRunner:
    """The tools of one talk. Belongs to the loop it is used on; `close` it when the talk is over."""

    def __init__(
        self,
        means: Means,
        place: Place,
        variables: Mapping[str, Any],
        actions: Mapping[str, OfferedAction],
        results: Mapping[str, Any] | None = None,
        series: str = "",
    ) -> None:
        """`variables`: those that the talk begins with; nothing that a tool gives takes the name of one of these.

        `results`: what tools gave before. `series` names the runs in their order, so that a turn which is done again
        repeats their ids; "": each has one of its own.
        """
        self._logs = DeliveryLog(means.database, place)
        self._means = replace(means, given_up=self._logs.add)
        self._place = place
        self._begun_with = dict(variables)
        self.results: dict[str, Any] = dict(results or {})
        """What tools gave."""
        self._series = series
        self._runs = 0
        self._actions = dict(actions)

    @property
    def variables(self) -> dict[str, Any]:
        """Those of the talk, and what tools gave."""
        return merged(self._begun_with, self.results)

    async def run(self, name: str, arguments: dict[str, Any]) -> ToolAnswer:
        """Run what the model calls. Raises NotFound for a name that was not offered."""
        offered = self._actions.get(name)
        if offered is None:
            raise NotFound(f"There is no tool {name!r}. Go on without it.")
        outcome = await self.perform(offered.action, offered.tool.bound(arguments))
        return ToolAnswer(
            text=told(outcome.value),
            ok=outcome.ok,
            error=outcome.error,
            variables=as_texts({name: self.variables[name] for name in outcome.variables}),
            wrote=outcome.wrote,
            failure=outcome.failure,
        )

    async def perform(
        self, action: PlannedAction, arguments: Mapping[str, Any], run_id: str | None = None
    ) -> Outcome:
        """Run an action once; what it gave is there for those after it. `run_id`: of a run that may be repeated."""
        place = self._place
        self._runs += 1
        series = f"{self._series}:{self._runs}" if self._series else str(uuid4())
        occasion = Occasion(
            workspace_id=place.workspace_id,
            agent_id=place.agent_id,
            talk_id=place.talk_id,
            medium=place.medium,
            variables=self.variables,
            run_id=run_id or series,
            timezone=place.timezone,
        )
        outcome = await WORK[action.type].run(self._means, action, arguments, occasion)
        for delivery in outcome.sent:
            self._logs.add(delivery)
        self.results.update(outcome.variables)
        return outcome

    async def close(self) -> None:
        """Wait for what is still to be written down."""
        await self._logs.close()


def told(value: Any) -> str:
    """A value as the model reads it, and the record."""
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return text if len(text) <= LONGEST_RESULT else f"{text[:LONGEST_RESULT]} … [the rest is left out]"
