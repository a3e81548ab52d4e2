"""A call whose agent redacts personal data keeps none: not in events, record or logs."""

from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import select, update

from tests.resources.calls.conftest import stored
from tests.resources.calls.test_live import ENDED, ring
from trunkline.platform.outbound.client import Answer
from trunkline.platform.storage.database import Database
from trunkline.platform.storage.secrets import SecretBox
from trunkline.resources.agents.models import Agent
from trunkline.resources.calls.after_steps import ended_call
from trunkline.resources.calls.live import LiveCalls
from trunkline.resources.calls.models import Call, CallEvent
from trunkline.resources.calls.privacy import redacted, without_personal_data
from trunkline.resources.webhooks.models import WebhookLog
from trunkline.resources.webhooks.record import Delivery, record
from trunkline.voice.conversation.events import Kind, Note

SECRETS = ("4111", "four one", "Raman", "Priya", "priya.raman", "555-0134")
TALK = [
    Note(0, Kind.STARTED, {}),
    Note(900, Kind.AGENT_SAID, {"text": "May I have your name?", "reply": 1, "cut": False}),
    Note(2000, Kind.CALLER_SAID, {"text": "Priya Raman, my card is 4111 1111", "segments": [1]}),
    Note(2500, Kind.AGENT_SAID, {"text": "Go on.", "reply": 2, "cut": False}),
    Note(3000, Kind.CALLER_SAID, {"text": "1111 1111", "segments": [2]}),
    Note(3100, Kind.BARGE_IN, {"outcome": "yield", "words": "call (415) 555-0134", "paused_ms": 40}),
    Note(3200, Kind.TOOL_STARTED, {"call": "1", "name": "look_up", "arguments": {"name": "Priya Raman"}}),
    Note(
        3300,
        Kind.TOOL_FINISHED,
        {
            "call": "1",
            "name": "look_up",
            "result": '{"email": "priya.raman@example.com", "n": 2}',
            "ok": True,
        },
    ),
    Note(3400, Kind.DIGIT, {"digit": "4"}),
    Note(3500, Kind.AGENT_SAID, {"text": "Thank you, Priya.", "reply": 3, "cut": False}),
]


def test_notes_are_one_talk_and_keep_their_form() -> None:
    notes = redacted(TALK)
    assert [note.at_ms for note in notes] == [note.at_ms for note in TALK]
    assert notes[2].data == {"text": "[NAME], my card is [CARD]", "segments": [1]}
    assert notes[4].data["text"] == "[CARD]"
    assert notes[5].data["words"] == "call [PHONE]"
    assert notes[6].data["arguments"] == {"name": "[NAME]"}
    assert notes[7].data["result"] == '{"email": "[EMAIL]", "n": 2}'
    assert notes[8].data == {"digit": "*"}
    assert notes[9].data["text"] == "Thank you, [NAME]."
    assert redacted(notes) == notes


def test_the_webhook_tells_whom_it_is_about_and_no_more() -> None:
    payload: dict[str, Any] = {
        "status": "completed",
        "lead": {
            "name": "Zyx Qwerty",
            "phone_number": "+14155550134",
            "prompt_variables": {"email": "a@b.co"},
        },
        "call": {
            "call_id": "550e8400-e29b-41d4-a716-446655440000",
            "transcript": "\nhuman: I am Zyx, ssn 123-45-6789",
        },
        "executed_actions": {
            "look up": {
                "name": "look up",
                "return_value": '{"phone": "+14155550134"}',
                "timestamp": "1761150177.868123",
                "timestamp_datetime": "2026-04-22T16:49:29.580390",
            }
        },
        "analysis": None,
        "collected_variables": {"mail": {"value": "a@b.co", "collected": True}},
    }
    told = without_personal_data(payload, "Zyx Qwerty")
    assert told["lead"] == {**payload["lead"], "prompt_variables": {"email": "[EMAIL]"}}
    assert told["call"]["transcript"] == "\nhuman: I am [NAME], ssn [SSN]"
    assert told["call"]["call_id"] == "550e8400-e29b-41d4-a716-446655440000"
    run = {**payload["executed_actions"]["look up"], "return_value": '{"phone": "[PHONE]"}'}
    assert told["executed_actions"] == {"look up": run}
    assert told["collected_variables"] == {"mail": {"value": "[EMAIL]", "collected": True}}


async def set_up(database: Database, agent: Agent, on: bool = True) -> None:
    async with database.workspace(agent.workspace_id) as session:
        await session.execute(update(Agent).values(settings={"redact_pii": on}))


async def kept(database: Database, call_id: UUID) -> str:
    """Everything that is stored of the words of a call."""
    async with database.system() as session:
        call = (await session.scalars(select(Call).where(Call.id == call_id))).one()
        events = (await session.scalars(select(CallEvent).where(CallEvent.call_id == call_id))).all()
        logs = (await session.scalars(select(WebhookLog).where(WebhookLog.call_id == call_id))).all()
        payloads = [(log.request_payload, log.request_query, log.answer_payload, log.url) for log in logs]
        return str([call.transcript, call.executed_actions, call.ledger, [e.data for e in events], payloads])


async def test_nothing_personal_is_left_when_the_call_has_ended(
    live: LiveCalls, database: Database, agent: Agent, host: UUID
) -> None:
    await set_up(database, agent)
    plan = await ring(live, host)
    await live.answered(plan.call_id)
    await live.append(agent.workspace_id, plan.call_id, 0, TALK)
    answer = Answer(200, {}, b'{"customer_name": "Priya Raman"}', 5, 5)
    sent = Delivery(
        "custom_action",
        "POST",
        "https://example.com/?q=Priya+Raman",
        {},
        b'{"card": "4111 1111 1111 1111"}',
        datetime.now(UTC),
        answer,
        call_id=plan.call_id,
    )
    async with database.workspace(agent.workspace_id) as session:
        await record(session, agent.workspace_id, sent)
    assert "Raman" in await kept(database, plan.call_id)  # while it lasts, for whoever has to take it over
    await live.append(agent.workspace_id, plan.call_id, len(TALK), [ENDED])
    assert await live.finish(plan.call_id)
    said = await kept(database, plan.call_id)
    assert not [each for each in SECRETS if each in said]
    call = await stored(database, plan.call_id)
    assert call.transcript is not None and "human: [NAME], my card is [CARD]" in call.transcript


async def test_notes_that_come_late_are_redacted_too(
    live: LiveCalls, database: Database, agent: Agent, host: UUID
) -> None:
    await set_up(database, agent)
    plan = await ring(live, host)
    await live.answered(plan.call_id)
    await live.append(agent.workspace_id, plan.call_id, 0, TALK[:4])
    await live.finish(plan.call_id, fault="The host died.")
    await live.append_late(agent.workspace_id, plan.call_id, 4, [*TALK[4:], ENDED])
    said = await kept(database, plan.call_id)
    assert not [each for each in SECRETS[1:] if each in said]


async def test_the_switch_holds_for_calls_that_begin_after_it(
    live: LiveCalls, database: Database, agent: Agent, host: UUID
) -> None:
    plan = await ring(live, host)
    await set_up(database, agent)
    await live.answered(plan.call_id)
    await live.append(agent.workspace_id, plan.call_id, 0, [*TALK, ENDED])
    await live.finish(plan.call_id)
    assert "Raman" in await kept(database, plan.call_id)


async def test_a_call_that_is_over_stays_redacted_when_the_switch_is_turned(
    live: LiveCalls, database: Database, agent: Agent, host: UUID, box: SecretBox
) -> None:
    await set_up(database, agent)
    plan = await ring(live, host)
    await live.answered(plan.call_id)
    await live.append(agent.workspace_id, plan.call_id, 0, [*TALK, ENDED])
    await live.finish(plan.call_id)
    await set_up(database, agent, on=False)
    async with database.system() as session:
        call = (await session.scalars(select(Call).where(Call.id == plan.call_id))).one()
        await ended_call(session, box, call)
    assert (await stored(database, plan.call_id)).redacts_pii
