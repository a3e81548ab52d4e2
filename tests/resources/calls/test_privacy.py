"""A call whose agent redacts personal data keeps none: not in events, record or logs."""

import asyncio
import json
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import select, text, update

from tests.resources.calls.conftest import ring, stored
from tests.resources.calls.test_live_record import ENDED
from trunkline.platform.outbound.client import Answer
from trunkline.platform.storage.database import Database
from trunkline.platform.storage.secrets import SecretBox
from trunkline.resources.agents.models import Agent
from trunkline.resources.calls import after
from trunkline.resources.calls.after import Findings
from trunkline.resources.calls.after_steps import ended_call
from trunkline.resources.calls.live import LiveCalls
from trunkline.resources.calls.models import Call, CallEvent
from trunkline.resources.calls.privacy import redacted, without_personal_data
from trunkline.resources.webhooks.models import WebhookLog
from trunkline.resources.webhooks.record import Delivery, record, record_all
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


def sent(call_id: UUID) -> Delivery:
    """A request of an action, with personal data wherever there is room for it."""
    answer = Answer(200, {}, b'{"customer_name": "Priya Raman"}', 5, 5)
    return Delivery(
        "custom_action",
        "POST",
        "https://example.com/?q=Priya+Raman",
        {"X-Caller": "Priya Raman", "User-Agent": "Trunkline"},
        b'{"card": "4111 1111 1111 1111"}',
        datetime.now(UTC),
        answer,
        call_id=call_id,
    )


async def kept(database: Database, call_id: UUID) -> str:
    """Everything that is stored of the words of a call."""
    async with database.system() as session:
        call = (await session.scalars(select(Call).where(Call.id == call_id))).one()
        events = (await session.scalars(select(CallEvent).where(CallEvent.call_id == call_id))).all()
        logs = (await session.scalars(select(WebhookLog).where(WebhookLog.call_id == call_id))).all()
        payloads = [
            (
                log.request_headers,
                log.request_payload,
                log.request_query,
                log.answer_payload,
                log.url,
                log.error,
            )
            for log in logs
        ]
        return str([call.transcript, call.executed_actions, call.ledger, [e.data for e in events], payloads])


async def test_nothing_personal_is_left_when_the_call_has_ended(
    live: LiveCalls, database: Database, agent: Agent, host: UUID
) -> None:
    await set_up(database, agent)
    plan = await ring(live, host)
    await live.answered(plan.call_id)
    await live.append(agent.workspace_id, plan.call_id, 0, TALK)
    async with database.workspace(agent.workspace_id) as session:
        await record(session, agent.workspace_id, sent(plan.call_id))
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


async def ended(live: LiveCalls, database: Database, agent: Agent, host: UUID) -> UUID:
    """A call that is over, with a lead of whom nobody spoke and a name in its variables."""
    plan = await ring(live, host)
    async with database.system() as session:
        await session.execute(
            update(Call)
            .where(Call.id == plan.call_id)
            .values(name="Zyx Qwerty", variables={"guest_name": "Priya Raman"})
        )
    await live.answered(plan.call_id)
    await live.append(agent.workspace_id, plan.call_id, 0, [*TALK, ENDED])
    assert await live.finish(plan.call_id)
    return plan.call_id


@pytest.mark.parametrize("many", [False, True], ids=["of an action", "of a webhook"])
async def test_what_is_sent_after_the_call_is_logged_without_personal_data(
    live: LiveCalls, database: Database, agent: Agent, host: UUID, many: bool
) -> None:
    await set_up(database, agent)
    call_id = await ended(live, database, agent, host)
    told = replace(
        sent(call_id), body=b'{"said": "zyx qwerty wants a table", "lead": {"phone_number": "+14155550134"}}'
    )
    if many:
        async with database.system() as session:
            await record_all(session, [(agent.workspace_id, told)])
    else:
        async with database.workspace(agent.workspace_id) as session:
            await record(session, agent.workspace_id, told)
    said = await kept(database, call_id)
    assert not [each for each in (*SECRETS, "zyx", "4155550134") if each in said]
    assert "[NAME] wants a table" in said
    assert "'User-Agent': 'Trunkline'" in said


async def test_of_calls_that_do_not_redact_logs_tell_all(
    live: LiveCalls, database: Database, agent: Agent, host: UUID
) -> None:
    call_id = await ended(live, database, agent, host)
    async with database.workspace(agent.workspace_id) as session:
        await record(session, agent.workspace_id, sent(call_id))
    assert "X-Caller': 'Priya Raman" in await kept(database, call_id)


async def test_no_log_falls_between_a_call_and_its_end(
    live: LiveCalls, database: Database, agent: Agent, host: UUID
) -> None:
    """A log that is being written while the call ends is either seen by the end, or sees it."""
    await set_up(database, agent)
    plan = await ring(live, host)
    await live.answered(plan.call_id)
    await live.append(agent.workspace_id, plan.call_id, 0, [*TALK, ENDED])
    async with database.workspace(agent.workspace_id) as session:
        await record(session, agent.workspace_id, sent(plan.call_id))
        ending = asyncio.create_task(live.finish(plan.call_id))
        while not await waits(database) and not ending.done():  # noqa: ASYNC110 a lock of the database tells nobody
            await asyncio.sleep(0.01)
    assert await ending
    said = await kept(database, plan.call_id)
    assert not [each for each in SECRETS if each in said]


async def waits(database: Database) -> bool:
    """Whether somebody waits for a lock on rows of this database."""
    query = text(
        "SELECT count(*) FROM pg_locks JOIN pg_stat_activity USING (pid) WHERE NOT granted AND datname = current_database()"
    )
    async with database.system() as session:
        return bool(await session.scalar(query))


async def test_what_is_found_out_after_the_call_is_kept_without_personal_data(
    live: LiveCalls, database: Database, agent: Agent, host: UUID
) -> None:
    """Instructions and variables tell the model who it is about, whatever the transcript leaves out."""
    await set_up(database, agent)
    call_id = await ended(live, database, agent, host)
    found = Findings(
        judged={"goal": "true", "goal_feedback": "zyx qwerty got a table."},
        entries={
            "tell": {"name": "tell", "return_value": json.dumps({"about": "zyx qwerty", "with": "raman"})}
        },
        collected={str(agent.id): {"who": {"value": "zyx qwerty", "collected": True}}},
    )
    async with database.system() as session:
        work = await after.held(session, call_id)
        assert work is not None
        await after.plan(session, work, ["judge"])
        taken = await after.take(session, call_id, "judge")
        assert taken is not None
        assert await after.end(session, [after.ending(taken, after.StepState.DONE, found)]) == [call_id]
    call = await stored(database, call_id)
    assert call.judge_results == {"goal": "true", "goal_feedback": "[NAME] got a table."}
    assert call.collected_variables == {str(agent.id): {"who": {"value": "[NAME]", "collected": True}}}
    assert json.loads(call.executed_actions["tell"]["return_value"]) == {"about": "[NAME]", "with": "[NAME]"}
    assert call.executed_actions["tell"]["name"] == "tell"
