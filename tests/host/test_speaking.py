"""Settings of an agent's row, through a voice host and its database, to the record of the call."""

from typing import Any

from sqlalchemy import select

from tests.host.rig import Rig
from tests.resources.calls.conftest import NUMBER
from trunkline.resources.agents.models import Agent
from trunkline.resources.calls.models import Call, CallEvent
from trunkline.voice.conversation.events import Kind
from trunkline.voice.language.twins import Line


async def _set(rig: Rig, agent: Agent, **settings: Any) -> None:
    async with rig.database.workspace(agent.workspace_id) as session:
        row = await session.get_one(Agent, agent.id)
        row.settings = {**row.settings, **settings}


async def _call(rig: Rig) -> Call:
    async with rig.database.system() as session:
        return (await session.execute(select(Call))).scalar_one()


async def test_an_end_for_a_reason_of_the_agents_own_is_on_the_record(rig: Rig, agent: Agent) -> None:
    sold = {"reason": "The caller has bought", "closing_message": "Thank you <user_phone_number>"}
    await _set(rig, agent, greeting_message="Hello", end_call_reasons_v2=[sold])
    rig.llm._rule = lambda messages: Line("Fine.", "end_call", {"reason": sold["reason"]})
    caller = await rig.call(NUMBER)
    await rig.until(lambda: "Hello" in caller.heard)
    caller.say("I take it")
    await rig.until(lambda: not rig.host.live())
    call = await _call(rig)
    assert (call.end_reason, call.end_detail, call.status) == ("custom_end_call", sold["reason"], "completed")
    assert call.transcript is not None and call.transcript.endswith("bot: Fine. Thank you +15550199")
    assert "Thank you" in caller.heard


async def test_an_agent_without_transcript_keeps_no_word(rig: Rig, agent: Agent) -> None:
    await _set(rig, agent, greeting_message="Hello", is_transcript_disabled=True)
    caller = await rig.call(NUMBER)
    await rig.until(lambda: "Hello" in caller.heard)
    caller.say("my secret")
    await rig.until(lambda: "You said my secret." in caller.heard)
    await caller.line.hang_up()
    await rig.until(lambda: not rig.host.live())
    assert not (await _call(rig)).transcript
    async with rig.database.system() as session:
        notes = (await session.scalars(select(CallEvent))).all()
    assert {Kind.AGENT_SAID, Kind.CALLER_SAID} <= {note.kind for note in notes}
    assert not any("secret" in str(note.data) or "Hello" in str(note.data) for note in notes)


async def test_the_model_reads_variables_and_the_time_of_the_agents_zone(rig: Rig, agent: Agent) -> None:
    prompt = "{user_phone_number} {{to_phone_number}} <{call_id}> [{twilio_call_sid}] {unknown}"
    await _set(rig, agent, greeting_message="Hello", prompt=prompt, timezone="Asia/Tokyo")
    caller = await rig.call(NUMBER)
    await rig.until(lambda: "Hello" in caller.heard)
    caller.say("hi you there my friend of old")
    await rig.until(lambda: "You said" in caller.heard)
    call = await _call(rig)
    system = rig.llm.asked[-1][0]["content"]
    assert system.startswith(f"+15550199 {NUMBER} <{call.id}> [] {{unknown}}")
    assert system.endswith("(Asia/Tokyo).")
    await caller.line.hang_up()
    await rig.until(lambda: not rig.host.live())
