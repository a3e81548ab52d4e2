"""The question before an inbound call is answered: whether, by which agent, with which variables (contract, section 14)."""

import asyncio
import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any
from uuid import UUID, uuid4

import structlog
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from trunkline.errors import OutboundFailed, OutboundRefused
from trunkline.platform.http.wire import check_storable
from trunkline.platform.outbound.client import Outbound
from trunkline.platform.storage.database import Database
from trunkline.platform.storage.secrets import SecretBox
from trunkline.resources.agents.models import Agent
from trunkline.resources.calls.closing import end_call, locked
from trunkline.resources.calls.models import Call
from trunkline.resources.calls.plan import CallPlan, planned_call
from trunkline.resources.calls.record import TelephonyDisconnectReason, TelephonyHangup
from trunkline.resources.calls.schemas import variables_of
from trunkline.resources.calls.status import CallStatus
from trunkline.resources.ids import as_uuid
from trunkline.resources.webhooks.record import Delivery, record_all
from trunkline.resources.webhooks.signing import signing_of

log = structlog.get_logger(__name__)

LARGEST_ANSWER = 65_536
_DECLINED = {
    "hangup_by": TelephonyHangup.CALLEE,
    "disconnect_reason": TelephonyDisconnectReason.CALLEE_HANGUP,
}
_UNANSWERED = "The inbound webhook {url} gave no answer ({reason}), and agent.default_agent_id names no agent to take the call."
_FOREIGN = "override_model_id {id} is no agent of this workspace; the call stayed with the agent it came for"
_LATE = "another try was answered first"


@dataclass(frozen=True)
class Budget:
    """How long a caller hears it ring for an answer. Times are in seconds.

    An answer may take all of `whole`, as receivers of old are used to; a try without one after `patience` is backed by
    another, so that one lost request does not cost the caller the whole of it.
    """

    whole: float = 10.0
    patience: float = 2.0
    pause: float = 0.5
    """Between a try that failed and the next."""
    tries: int = 4


@dataclass(frozen=True)
class Reply:
    """What the receiver wants."""

    decline: bool = False
    agent_id: str = ""
    """Another agent; "" for the one that was called."""
    variables: Mapping[str, Any] = field(default_factory=dict)
    metadata: Mapping[str, Any] | None = None


@dataclass(frozen=True)
class Answered:
    """What came of all tries; `reply` None: nothing that could be read."""

    reply: Reply | None
    sent: tuple[Delivery, ...]


@dataclass(frozen=True)
class _Question:
    """One request, the same in each try but for its signature's time."""

    plan: CallPlan
    body: bytes
    message_id: str


class InboundWebhook:
    """Asks the addresses that agents name (`inbound_call_webhook_url`)."""

    def __init__(
        self, database: Database, box: SecretBox, outbound: Outbound, budget: Budget | None = None
    ) -> None:
        self._database = database
        self._box = box
        self._outbound = outbound
        self._budget = budget or Budget()

    async def ask(self, plan: CallPlan) -> Answered:
        """Send the question until it is answered or the time is over. Raises Unavailable before anything is sent."""
        async with self._database.system() as session:
            signing = await signing_of(session, self._box, plan.workspace_id)
        called = {
            "model_id": str(plan.agent_id),
            "from_number": plan.number_from,
            "to_number": plan.number_to,
        }
        body = json.dumps({"event": "call_inbound", "call_inbound": called}).encode()
        question = _Question(plan, body, f"msg_{uuid4().hex}")

        async def attempt(number: int, within: float) -> tuple[Delivery, Reply | None]:
            now = datetime.now(UTC)
            headers = signing.headers(question.message_id, now, body, str(plan.call_id))
            headers["Content-Type"] = "application/json"
            return await self._attempt(_delivery(question, headers, number, now), within)

        return await _Tries(self._budget, attempt).run()

    async def settle(self, plan: CallPlan, answered: Answered) -> CallPlan | None:
        """Write down what was sent and do as the reply says: the plan to answer with, None: the call is ended.

        May be repeated where the database did not take it. Raises Unavailable.
        """
        async with self._database.system() as session:
            call = await locked(session, plan.call_id)
            assert call is not None
            sent = list(answered.sent)
            settled = await self._settle(session, call, answered, sent)
            await record_all(session, [(plan.workspace_id, each) for each in sent])
            return settled

    async def _attempt(self, delivery: Delivery, within: float) -> tuple[Delivery, Reply | None]:
        try:
            answer = await self._outbound.send(
                delivery.method,
                delivery.url,
                headers=delivery.headers,
                content=delivery.body,
                within=within,
                largest=LARGEST_ANSWER,
            )
        except (OutboundRefused, OutboundFailed) as failed:
            late = isinstance(failed, OutboundFailed) and failed.timed_out
            return replace(delivery, error=str(failed), timed_out=late), None
        except asyncio.CancelledError:
            return replace(delivery, error=_LATE), None
        delivery = replace(delivery, answer=answer)
        if not delivery.succeeded:
            return delivery, None
        try:
            return delivery, reply_of(answer.body)
        except ValueError as error:
            return replace(delivery, unusable=True, error=f"the answer {error}"), None

    async def _settle(
        self, session: AsyncSession, call: Call, answered: Answered, sent: list[Delivery]
    ) -> CallPlan | None:
        agent = (await session.execute(select(Agent).where(Agent.id == call.agent_id))).scalar_one()
        reply = answered.reply
        if reply is None:
            standing_in = agent.settings.get("default_agent_id") or ""
            other = await _agent(session, call.workspace_id, standing_in)
            if other is None:
                await end_call(session, call, CallStatus.FAILED, **_unanswered(agent, sent))
                return None
            return await self._with(session, call, other, Reply())
        if reply.decline:
            log.info("call_declined_by_webhook", call_id=str(call.id))
            await end_call(session, call, CallStatus.CANCELED, **_DECLINED)
            return None
        if reply.agent_id:
            other = await _agent(session, call.workspace_id, reply.agent_id)
            if other is None:
                log.warning("inbound_override_ignored", call_id=str(call.id), agent_id=reply.agent_id[:64])
                at = max(at for at, each in enumerate(sent) if each.succeeded)
                sent[at] = replace(sent[at], error=_FOREIGN.format(id=reply.agent_id[:64]))
            agent = other or agent
        return await self._with(session, call, agent, reply)

    async def _with(self, session: AsyncSession, call: Call, agent: Agent, reply: Reply) -> CallPlan:
        call.agent_id = agent.id
        call.agent_version = str(agent.version)
        call.agents_used = [str(agent.id)]
        call.timezone = agent.settings.get("timezone") or call.timezone
        call.variables = {**call.variables, **reply.variables}
        call.inbound_metadata = dict(reply.metadata) if reply.metadata is not None else None
        await session.flush()
        return await planned_call(session, self._box, call, agent)


class _Tries:
    """Tries of one question, one behind the other, while those before may still be answered."""

    def __init__(self, budget: Budget, attempt: Any) -> None:
        self._budget = budget
        self._attempt = attempt
        self._under_way: set[asyncio.Task[tuple[Delivery, Reply | None]]] = set()
        self._sent: list[Delivery] = []
        self._begun = 0

    async def run(self) -> Answered:
        """The first good answer; then the other tries are given up."""
        loop, budget = asyncio.get_running_loop(), self._budget
        end = loop.time() + budget.whole
        following = loop.time()
        reply = None
        try:
            while reply is None and (now := loop.time()) < end:
                if self._begun < budget.tries and now >= following:
                    self._begin(end - now)
                    following = now + budget.patience
                if self._begun == budget.tries and not self._under_way:
                    break
                until = min(following, end) if self._begun < budget.tries else end
                if not self._under_way:
                    await asyncio.sleep(until - now)
                    continue
                done, self._under_way = await asyncio.wait(
                    self._under_way, timeout=until - now, return_when=asyncio.FIRST_COMPLETED
                )
                if done:
                    reply = self._taken(done)
                    following = min(following, loop.time() + budget.pause)
        finally:
            for each in self._under_way:
                each.cancel()
        if self._under_way:
            done, self._under_way = await asyncio.wait(self._under_way)
            late = self._taken(done)
            reply = reply or late
        return Answered(reply, tuple(sorted(self._sent, key=lambda each: each.attempt)))

    def _begin(self, within: float) -> None:
        self._begun += 1
        attempt = self._attempt(self._begun, within)
        self._under_way.add(asyncio.create_task(attempt, name="inbound webhook"))

    def _taken(self, done: set[asyncio.Task[tuple[Delivery, Reply | None]]]) -> Reply | None:
        found = None
        for each in done:
            if each.cancelled():  # before it had begun
                continue
            delivery, reply = each.result()
            self._sent.append(delivery)
            found = found or reply
        return found


def reply_of(body: bytes) -> Reply:
    """The reply in a body. Raises ValueError, which says what is wrong with it."""
    try:
        answer = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise ValueError("is no JSON") from error
    check_storable(answer)
    inner = answer.get("call_inbound") if isinstance(answer, dict) else None
    if not isinstance(inner, dict):
        raise ValueError("has no object call_inbound")
    variables = variables_of(inner.get("custom_variables") or {})
    metadata = inner.get("metadata")
    override = inner.get("override_model_id")
    if not isinstance(variables, dict):
        raise ValueError("has custom_variables that are no object")
    if not isinstance(metadata, dict | None):
        raise ValueError("has metadata that is no object")
    return Reply(not inner, override if isinstance(override, str) else "", variables, metadata)


def _delivery(question: _Question, headers: Mapping[str, str], attempt: int, at: datetime) -> Delivery:
    return Delivery(
        kind="inbound_webhook",
        method="POST",
        url=question.plan.ask_first,
        headers=headers,
        body=question.body,
        sent_at=at,
        answer=None,
        attempt=attempt,
        call_id=question.plan.call_id,
        agent_id=question.plan.agent_id,
    )


def _unanswered(agent: Agent, sent: list[Delivery]) -> dict[str, Any]:
    last = sent[-1] if sent else None
    reason = (last.error or (last.answer and f"status {last.answer.status}")) if last else "no try was made"
    message = _UNANSWERED.format(url=agent.inbound_call_webhook_url, reason=reason)
    return {
        "error_message": message,
        "end_reason": "error",
        "disconnect_reason": TelephonyDisconnectReason.ERROR,
    }


async def _agent(session: AsyncSession, workspace_id: UUID, agent_id: str) -> Agent | None:
    """An agent of this workspace that is not deleted."""
    id_ = as_uuid(agent_id)
    if id_ is None:
        return None
    mine = Agent.id == id_, Agent.workspace_id == workspace_id, Agent.deleted_at.is_(None)
    return (await session.execute(select(Agent).where(*mine))).scalar_one_or_none()
