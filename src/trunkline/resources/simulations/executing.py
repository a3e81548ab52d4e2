"""What the worker really runs for a simulated call: the agent's own actions that its case does not mock.

They run as on a call, through the same code with the agent's own settings; each is on record, and its requests in the
logs, before anything goes out. The process that plays the call only asks for them, and knows no secret.
"""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from trunkline.resources.actions import executed
from trunkline.resources.actions.offering import OfferedAction, offered
from trunkline.resources.actions.running import Place, ToolRunner
from trunkline.resources.actions.work import Means, PlannedAction
from trunkline.resources.agent_versions.snapshots import actions_in
from trunkline.resources.agents import vocabulary
from trunkline.resources.agents.equipment import equipment_of
from trunkline.resources.simulations.details import Plan
from trunkline.resources.simulations.models import SimulationRun
from trunkline.resources.simulations.real_tools import answered, nothing_real
from trunkline.resources.simulations.rows import Rows
from trunkline.resources.simulations.run_repository import RunRepository
from trunkline.voice.conversation.profile import Medium
from trunkline.voice.driver.ports import ToolAnswer


class RealTools:
    """The tools of one try of a run; `close` them when it is over."""

    def __init__(
        self, means: Means, run: SimulationRun, runner: ToolRunner, offers: Mapping[str, OfferedAction]
    ) -> None:
        self._means = means
        self._row = run
        self._runner = runner
        self._offers = offers
        self._executed: dict[str, executed.Entry] = dict(run.executed_actions or {})

    @classmethod
    async def of(cls, means: Means, run: SimulationRun, plan: Plan) -> "RealTools":
        """As the agent has them in the run's version; none for an agent that was deleted. Raises SetupError."""
        async with means.database.workspace(run.workspace_id) as session:
            rows = Rows.of(session, run.workspace_id)
            agent = await rows.agents.get(run.agent_id)
            version = (
                await rows.versions.get(run.agent_id, str(run.agent_version)) if run.agent_version else None
            )
            actions: tuple[PlannedAction, ...] = ()
            if agent is not None:
                attached = actions_in(version.content, agent) if version else None
                actions = (await equipment_of(session, means.secrets, agent, "", attached)).actions
        case = plan.planned.case
        allowed = {each.tool.name for each in plan.tools} - set(case.tools)
        offers = {name: each for name, each in offered(actions).items() if name in allowed}
        timezone = agent.settings.get("timezone") if agent else None
        place = Place(
            run.workspace_id,
            run.agent_id,
            str(run.id),
            Medium.CALL,
            timezone or vocabulary.DEFAULT_TIMEZONE,
        )
        known = {**case.custom_variables, "call_id": str(run.id)}
        # A run that is begun again repeats its ids, by which receivers know what they have done.
        runner = ToolRunner(means, place, known, offers, series=str(run.id))
        return cls(means, run, runner, offers)

    async def run(self, name: str, arguments: dict[str, Any]) -> ToolAnswer:
        """Fulfils RunTool."""
        offer = self._offers.get(name)
        if offer is None:
            return await nothing_real(name, arguments)
        began = datetime.now(UTC)
        started = {**offer.tool.record, "name": name, "arguments": offer.tool.bound(arguments)}
        key = executed.unused(str(started["action"]), self._executed)
        await self._record(key, executed.entry(started, None, began))
        answer = await answered(self._runner.run, name, arguments)
        finished = {"ok": answer.ok, "result": answer.text, "error": answer.error}
        await self._record(key, executed.entry(started, finished, began))
        return answer

    async def close(self) -> None:
        """Wait until its requests are in the logs."""
        await self._runner.close()

    async def _record(self, key: str, entry: executed.Entry) -> None:
        self._executed[key] = entry
        async with self._means.database.workspace(self._row.workspace_id) as session:
            await RunRepository(session, self._row.workspace_id).executed(self._row, {key: entry})
