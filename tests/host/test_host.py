"""Whole calls through a voice host: heard, answered, written down; refused, dialled, drained, cut off."""

import asyncio
import json
import struct
from dataclasses import replace

import pytest
from sqlalchemy import select

from tests.host.rig import RATE, Rig
from tests.resources.calls.conftest import NUMBER, active, offer, outbound, stored
from trunkline.errors import Conflict
from trunkline.host.call import LiveCall
from trunkline.platform.storage import system
from trunkline.platform.storage.embedded import EmbeddedPostgres
from trunkline.resources.agents.models import Agent
from trunkline.resources.calls.models import Call, CallEvent
from trunkline.voice.conversation.events import HangUp, Kind, Note
from trunkline.voice.lines.line import Referred
from trunkline.voice.speech.services import Own, SpeechServices

GREETING = "Hello here is reception"


async def _greets(rig: Rig, agent: Agent) -> None:
    async with rig.database.workspace(agent.workspace_id) as session:
        row = await session.get_one(Agent, agent.id)
        row.settings = {**row.settings, "greeting_message": GREETING}


async def _only_call(rig: Rig) -> Call:
    async with rig.database.system() as session:
        return (await session.execute(select(Call))).scalar_one()


async def test_a_call_is_answered_heard_and_written_down(rig: Rig, agent: Agent) -> None:
    await _greets(rig, agent)
    caller = await rig.call(NUMBER)
    await rig.until(lambda: GREETING in caller.heard)
    caller.say("do you open sundays")
    await rig.until(lambda: "You said do you open sundays." in caller.heard)
    await caller.line.hang_up()
    await rig.until(lambda: not rig.host.live())

    call = await _only_call(rig)
    assert call.status == "completed"
    assert call.end_reason == "human_ended_call"
    assert call.transcript is not None
    assert [line for line in call.transcript.splitlines() if line] == [
        f"bot: {GREETING}",
        "human: do you open sundays",
        "bot: You said do you open sundays.",
    ]
    assert call.models == ["scripted"]
    assert len(call.ledger) == 1
    assert call.recording_key is not None
    wav = await rig.blobs.get(call.recording_key)
    channels, rate = struct.unpack_from("<HI", wav, 22)
    assert (channels, rate) == (2, RATE)
    assert call.recording_s is not None and call.duration_s is not None
    assert abs(call.recording_s - call.duration_s) <= 1.0
    assert await active(rig.database, rig.node.identity.id) == 0
    assert rig.llm.warmed == 1


async def test_notes_can_be_watched_from_the_beginning(rig: Rig, agent: Agent) -> None:
    await _greets(rig, agent)
    caller = await rig.call(NUMBER)
    await rig.until(lambda: GREETING in caller.heard)
    [call] = rig.host.live()
    assert rig.host.find(call.id) is call
    assert call.describe()["direction"] == "inbound"

    async def watch() -> list[Note]:
        return [note async for note in call.watch()]

    watching = asyncio.create_task(watch())
    call.control(HangUp("user_canceled"))
    await rig.until(watching.done)
    notes = watching.result()
    assert notes[0].kind == Kind.STARTED
    assert [note.kind for note in notes[-2:]] == [Kind.ENDED, Kind.LINE]
    assert notes[-1].data["packets_received"] > 0
    json.dumps([note.data for note in notes])
    await rig.until(lambda: not rig.host.live())
    assert (await stored(rig.database, call.id)).status == "user-canceled"
    assert caller.line.closed is not None


async def _transferred(rig: Rig, call: LiveCall, target: str) -> Referred:
    sending = asyncio.create_task(call.transfer(target, 5.0))
    await rig.until(sending.done)
    return sending.result()


async def test_a_transfer_that_came_about_completes_the_call(rig: Rig, agent: Agent) -> None:
    caller = await rig.call(NUMBER)
    await rig.until(lambda: bool(rig.host.live()))
    [call] = rig.host.live()
    caller.line.reachable["sip:bob@127.0.0.1"] = Referred(True)
    assert (await _transferred(rig, call, "sip:bob@127.0.0.1")).ok
    await rig.until(lambda: not rig.host.live())
    kept = await stored(rig.database, call.id)
    assert (kept.status, kept.end_reason) == ("completed", "agent_ended_call")


async def test_after_a_transfer_that_failed_the_agent_goes_on(rig: Rig, agent: Agent) -> None:
    await _greets(rig, agent)
    caller = await rig.call(NUMBER)
    await rig.until(lambda: GREETING in caller.heard)
    [call] = rig.host.live()
    caller.line.reachable["sip:bob@127.0.0.1"] = Referred(False, "Busy Here", 486)
    assert (await _transferred(rig, call, "sip:bob@127.0.0.1")).code == 486
    await rig.until(lambda: "Busy Here" in caller.heard)  # the parrot says what it was told
    caller.say("do you open sundays")
    await rig.until(lambda: "You said do you open sundays." in caller.heard)
    await caller.line.hang_up()
    await rig.until(lambda: not rig.host.live())
    async with rig.database.workspace(agent.workspace_id) as session:
        notes = {event.kind: event.data for event in await session.scalars(select(CallEvent))}
    assert notes["transfer_started"] == {"target": "sip:bob@127.0.0.1"}
    assert notes["transfer_finished"] == {
        "target": "sip:bob@127.0.0.1",
        "ok": False,
        "reason": "Busy Here",
        "code": 486,
    }


async def test_one_transfer_at_a_time(rig: Rig, agent: Agent) -> None:
    await rig.call(NUMBER)
    await rig.until(lambda: bool(rig.host.live()))
    [call] = rig.host.live()
    first = asyncio.create_task(call.transfer("sip:bob@127.0.0.1", 5.0))
    await asyncio.sleep(0)
    with pytest.raises(Conflict):
        await call.transfer("sip:bob@127.0.0.1", 5.0)
    assert not (await first).ok


async def test_an_unknown_number_is_refused(rig: Rig) -> None:
    caller = await rig.call("+15559999")
    await rig.until(lambda: caller.line.closed is not None)
    assert caller.line.closed is not None and caller.line.closed.code == 486
    async with rig.database.system() as session:
        assert (await session.execute(select(Call))).first() is None


async def test_calls_over_the_cap_are_refused(rig: Rig) -> None:
    callers = [await rig.call(NUMBER) for _ in range(3)]
    await rig.until(lambda: any(caller.line.closed for caller in callers) and len(rig.host.live()) == 2)
    assert [caller.line.closed is None for caller in callers].count(True) == 2
    assert await active(rig.database, rig.node.identity.id) == 2


async def test_a_caller_who_gives_up_while_it_rings(rig: Rig, agent: Agent) -> None:
    caller = await rig.call(NUMBER)
    await caller.line.hang_up()
    await rig.until(lambda: rig.llm.warmed == 1)
    await rig.meanwhile(rig.host.drain())
    call = await _only_call(rig)
    assert call.status == "canceled"
    assert await active(rig.database, rig.node.identity.id) == 0


async def test_a_fault_of_the_host_closes_the_record(
    rig: Rig, agent: Agent, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise RuntimeError("no recorder")

    monkeypatch.setattr(rig.recordings, "open", fail)
    caller = await rig.call(NUMBER)
    await rig.until(lambda: caller.line.closed is not None)
    await rig.meanwhile(rig.host.drain())
    call = await _only_call(rig)
    assert call.status == "failed"
    assert call.error_message == "The voice host failed (RuntimeError); its log says where."
    assert await active(rig.database, rig.node.identity.id) == 0


async def test_draining_takes_no_call_and_waits_for_the_last(rig: Rig, agent: Agent) -> None:
    await _greets(rig, agent)
    caller = await rig.call(NUMBER)
    await rig.until(lambda: GREETING in caller.heard)
    draining = asyncio.create_task(rig.host.drain())
    await rig.until(lambda: rig.host.not_ready() == "the host is draining")
    late = await rig.call(NUMBER)
    await rig.until(lambda: late.line.closed is not None)
    caller.say("one more thing")
    await rig.until(lambda: "You said one more thing." in caller.heard)
    assert not draining.done()
    await caller.line.hang_up()
    await rig.until(draining.done)
    assert (await _only_call(rig)).status == "completed"
    async with rig.database.system() as session:
        [node] = await system.nodes(session)
    assert node.draining


async def test_asked_twice_to_stop_calls_are_cut_off_and_written_down(rig: Rig, agent: Agent) -> None:
    await _greets(rig, agent)
    caller = await rig.call(NUMBER)
    await rig.until(lambda: GREETING in caller.heard)
    rig.host.hurry()
    await rig.meanwhile(rig.host.drain())
    assert caller.line.closed is not None
    call = await _only_call(rig)
    assert call.status == "failed"
    assert call.error_message == "The voice host was stopped in mid-call."
    assert call.transcript is not None and GREETING in call.transcript


async def test_a_broken_conversation_ends_its_call_alone(rig: Rig, agent: Agent) -> None:
    await _greets(rig, agent)
    broken, sound = await rig.call(NUMBER), await rig.call(NUMBER)
    await rig.until(lambda: GREETING in broken.heard and GREETING in sound.heard)
    [first, _] = rig.host.live()

    def fail(*_: object) -> None:
        raise RuntimeError("a fault of ours")

    first._agent.session.tick = fail  # type: ignore[assignment, method-assign]
    await rig.until(lambda: len(rig.host.live()) == 1)
    call = await stored(rig.database, first.id)
    assert call.status == "failed"
    assert call.error_message == "The conversation failed in the voice host (RuntimeError)."
    survivor = sound if broken.line.closed else broken
    survivor.say("still here")
    await rig.until(lambda: "You said still here." in survivor.heard)


async def test_a_call_closed_elsewhere_is_ended(rig: Rig, agent: Agent) -> None:
    await _greets(rig, agent)
    caller = await rig.call(NUMBER)
    await rig.until(lambda: GREETING in caller.heard)
    [call] = rig.host.live()
    await rig.live.finish(call.id, fault="The reaper was here.")
    await rig.until(lambda: caller.line.closed is not None and not rig.host.live())
    assert (await stored(rig.database, call.id)).error_message == "The reaper was here."


async def test_a_call_outlives_the_database(rig: Rig, agent: Agent, postgres: EmbeddedPostgres) -> None:
    await _greets(rig, agent)
    caller = await rig.call(NUMBER)
    await rig.until(lambda: GREETING in caller.heard)
    [call] = rig.host.live()
    await rig.meanwhile(asyncio.to_thread(postgres.stop))
    try:
        await rig.until(lambda: rig.host.not_ready() == "the database is not reached")
        caller.say("are you there")
        await rig.until(lambda: "You said are you there." in caller.heard)
        late = await rig.call(NUMBER)
        await rig.until(lambda: late.line.closed is not None and rig.writer.away)
    finally:
        await rig.meanwhile(asyncio.to_thread(postgres.start))
    await rig.until(lambda: rig.host.not_ready() is None)
    assert rig.host.live() == [call]
    await caller.line.hang_up()
    await rig.until(lambda: not rig.host.live())
    record = await stored(rig.database, call.id)
    assert record.status == "completed"
    assert record.transcript is not None and "human: are you there" in record.transcript
    assert record.recording_key is not None


async def test_a_call_that_ends_while_the_database_is_away_is_written_down_later(
    rig: Rig, agent: Agent, postgres: EmbeddedPostgres
) -> None:
    await _greets(rig, agent)
    caller = await rig.call(NUMBER)
    await rig.until(lambda: GREETING in caller.heard)
    [call] = rig.host.live()
    await rig.meanwhile(asyncio.to_thread(postgres.stop))
    try:
        await caller.line.hang_up()
        await rig.until(lambda: rig.writer.away and call.describe()["state"] == "ended")
    finally:
        await rig.meanwhile(asyncio.to_thread(postgres.start))
    await rig.until(lambda: not rig.host.live())
    record = await stored(rig.database, call.id)
    assert record.status == "completed"
    assert record.transcript is not None and GREETING in record.transcript


async def test_a_host_that_was_given_up_ends_its_calls_and_begins_anew(rig: Rig, agent: Agent) -> None:
    await _greets(rig, agent)
    caller = await rig.call(NUMBER)
    await rig.until(lambda: GREETING in caller.heard)
    async with rig.database.system() as session:
        await system.remove_nodes(session, [str(rig.node.identity.id)])
    await rig.until(lambda: caller.line.closed is not None and not rig.host.live())
    assert (await _only_call(rig)).status == "failed"
    late = await rig.call(NUMBER)
    await rig.until(lambda: GREETING in late.heard)


async def _german(rig: Rig, agent: Agent) -> None:
    """An agent that nobody in this installation understands: its own parts know English only."""
    async with rig.database.workspace(agent.workspace_id) as session:
        row = await session.get_one(Agent, agent.id)
        row.settings = {**row.settings, "language": "de-DE"}
    services = SpeechServices(Own(rig.parts.stt, rig.parts.tts, local_stt=True, local_tts=True))
    rig.holding.desk = replace(rig.holding.desk, parts=replace(rig.parts, services=services))


async def test_a_call_in_a_language_that_nobody_has_fails_at_once(rig: Rig, agent: Agent) -> None:
    await _german(rig, agent)
    caller = await rig.call(NUMBER)
    await rig.until(lambda: rig.host.admission.count == 1)
    await rig.until(lambda: not rig.host.admission.count)
    call = await _only_call(rig)
    assert call.status == "failed"
    assert call.error_message is not None
    assert "de-DE: set DEEPGRAM_API_KEY" in call.error_message
    assert caller.heard == ""


async def test_nobody_is_dialled_in_a_language_that_nobody_has(rig: Rig, agent: Agent) -> None:
    await _german(rig, agent)
    call_id = await outbound(rig.database, agent)
    await offer(rig.database, call_id, rig.node.identity.id)
    rig.host.wake()
    await rig.until(lambda: rig.host.admission.count == 1)
    await rig.until(lambda: not rig.host.admission.count)
    call = await stored(rig.database, call_id)
    assert call.status == "failed"
    assert call.error_message is not None
    assert "de-DE: set DEEPGRAM_API_KEY" in call.error_message
    assert await active(rig.database, rig.node.identity.id) == 0
