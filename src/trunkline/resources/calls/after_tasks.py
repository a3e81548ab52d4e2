"""After a call, in the worker: judge, evaluations, memory, and extractors before actions, side by side; the webhook.

The webhook goes when the last step that it tells of has ended, in that step's own transaction; or when it has waited
for `TELL_WITHIN`, whichever comes first. Nothing waits asleep: a step that failed is a job with a time, and webhooks
that are late are found by looking.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from uuid import UUID

import structlog
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from trunkline.errors import TrunklineError, Unavailable
from trunkline.platform.work.jobs import Jobs
from trunkline.platform.work.schedules import Schedules
from trunkline.resources.actions.work import Means
from trunkline.resources.calls import after
from trunkline.resources.calls.after import ACTION, AFTER_CALL, EXTRACTORS, Findings, StepState, Taken
from trunkline.resources.calls.after_ends import Ends
from trunkline.resources.calls.after_steps import Ended, Remember, done, ended_call, given_up
from trunkline.resources.calls.after_webhook import tell
from trunkline.resources.calls.links import Links
from trunkline.resources.calls.models import Call
from trunkline.voice.language.ports import LanguageModel

MOST_TRIES = 4
"""Faults of a step; then it has failed, with the last of them."""
MOST_BEGINS = 8
"""Then it has failed too: whoever began it died over it."""
AGAIN_AFTER = (*(1.0, 5.0, 30.0) * 2, 300.0, 1800.0, 1800.0, 1800.0)
"""Seconds before each further try of the job: extractors have their tries before actions have theirs, and workers that
die take some."""
LOOK_SECONDS = 1.0
AT_ONE_LOOK = 200
TRANSACTIONS_AT_ONCE = 5
"""Half of the worker's connections."""

log = structlog.get_logger(__name__)


class AfterCalls:
    """The durable work after calls. Everything may run twice, or in two workers at once."""

    def __init__(
        self,
        means: Means,
        links: Links,
        model: LanguageModel,
        remember: Remember,
        wake: Callable[[], None],
    ) -> None:
        """`wake` is called when a webhook has been made, for the deliverer beside us to send it at once."""
        self._database = means.database
        self._means = means
        self._links = links
        self._model = model
        self._remember = remember
        self._wake = wake
        self._places = asyncio.Semaphore(TRANSACTIONS_AT_ONCE)
        self._ends = Ends(self._transaction, links.recording, wake)

    def register(self, jobs: Jobs, schedules: Schedules) -> None:
        """Tell the worker what there is to do."""
        jobs.task(AFTER_CALL, retry_after=AGAIN_AFTER)(self.after_call)
        schedules.every(LOOK_SECONDS, self.tell_overdue)

    async def after_call(self, call_id: str, workspace_id: str) -> None:
        """The job of a call that has ended: every step that is still to be done.

        Raises what one of them came to, when it is to be done again.
        """
        id_ = UUID(call_id)
        async with self._transaction() as session:
            work = await after.held(session, id_)
            if work is None:
                return
            ended = None if work.planned else await self._ended(session, id_)
            if ended is not None:
                await after.plan(session, work, ended.steps())
            told = await tell(session, [id_], self._links.recording)
            steps = await after.pending(session, id_)
        if told:
            self._wake()
        beside = [step for step in steps if step != EXTRACTORS and not step.startswith(ACTION)]
        ends = await asyncio.gather(
            *(self._do(id_, step, ended) for step in beside),
            self._extract_then_act(id_, ended, [step for step in steps if step not in beside]),
            return_exceptions=True,
        )
        _raise_first(ends)

    async def tell_overdue(self) -> None:
        """Send the webhooks that have waited long enough with what is there: every second, in one place."""
        async with self._transaction() as session:
            late = await after.overdue(session, AT_ONE_LOOK)
        for call_id in late:
            try:
                await self._tell_late(call_id)
            except Exception:
                # The others' are not held up by one that cannot be told.
                log.exception("webhook_not_told", call=str(call_id))

    async def _tell_late(self, call_id: UUID) -> None:
        async with self._transaction() as session:
            await after.held(session, call_id)
            told = await tell(session, [call_id], self._links.recording, late=True)
        if told:
            self._wake()
            log.warning("webhook_waited_in_vain", call=str(call_id))

    @asynccontextmanager
    async def _transaction(self) -> AsyncIterator[AsyncSession]:
        """A few at once: what a step found out must not be lost because all connections are taken."""
        async with self._places, self._database.system() as session:
            yield session

    async def _ended(self, session: AsyncSession, call_id: UUID) -> Ended:
        call = (await session.scalars(select(Call).where(Call.id == call_id))).one()
        return await ended_call(session, self._means.secrets, call)

    async def _extract_then_act(self, call_id: UUID, ended: Ended | None, steps: Sequence[str]) -> None:
        """Actions after a call may speak of what extractors found of it."""
        actions = [step for step in steps if step != EXTRACTORS]
        if EXTRACTORS in steps:
            await self._do(call_id, EXTRACTORS, ended)
        ends = await asyncio.gather(*(self._do(call_id, step) for step in actions), return_exceptions=True)
        _raise_first(ends)

    async def _do(self, call_id: UUID, step: str, ended: Ended | None = None) -> None:
        """One try at a step; whatever it comes to, it is tried so often and no more. `ended`: None: as it is now."""
        async with self._transaction() as session:
            taken = await after.take(session, call_id, step)
        if taken is None:
            return
        deadly, last = taken.fence > MOST_BEGINS, taken.tries + 1 >= MOST_TRIES
        try:
            if ended is None:
                async with self._transaction() as session:
                    ended = await self._ended(session, call_id)
            if deadly:
                raise Unavailable(f"It was begun {MOST_BEGINS} times and never came to its end.")
            found = await done(self._means, self._model, self._remember, ended, step, last=last)
            await self._end(taken, StepState.DONE, found)
        except Exception as error:
            if not isinstance(error, TrunklineError):
                log.exception("after_call_step_broke", call=str(call_id), step=step)
            if not (deadly or last):
                async with self._transaction() as session:
                    await after.try_again(session, taken, _told(error))
                raise
            found = given_up(ended, step, _told(error)) if ended else Findings()
            await self._end(taken, StepState.FAILED, found, error)

    async def _end(
        self, taken: Taken, to: StepState, found: Findings, error: Exception | None = None
    ) -> None:
        ours = await self._ends.write(after.ending(taken, to, found, None if error is None else _told(error)))
        event = f"after_call_step_{to}" if ours else "after_call_step_taken_over"
        log.info(
            event, call=str(taken.call_id), step=taken.step, error=type(error).__name__ if error else None
        )


def _told(error: Exception) -> str:
    """A fault for the record: of one that nobody foresaw the words may hold anything."""
    if isinstance(error, TrunklineError):
        return str(error)
    return f"It failed ({type(error).__name__}); the worker's log says where."


def _raise_first(ends: Sequence[BaseException | None]) -> None:
    """When all have ended, what the first of them died of."""
    for each in ends:
        if each is not None:
            raise each
