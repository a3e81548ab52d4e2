"""A call comes in: heard, answered, shown while it is on, and afterwards on the record, as the wire had it."""

import io
import statistics
import wave
from typing import Any

import httpx2
import numpy as np
from benchmarks.gaps import EnergyMeter, Span, turns
from benchmarks.platform import Running
from benchmarks.wire import CueKind, Step, WireLog
from numpy.typing import NDArray

from tests.system.talk import (
    GREETING,
    ON_THE_PLATFORM,
    QUESTION,
    events,
    finished,
    lines,
    live_call,
    new_number,
    on_the_wire,
)
from trunkline.voice.scripted import Script, ScriptedServer

pytestmark = ON_THE_PLATFORM

REPLIES = ["We open at nine o'clock.", "The car park is behind the house.", "A check up costs fifty euros."]
RATE = 8000


def test_from_the_first_ring_to_the_record(up: Running, providers: ScriptedServer, speech: bytes) -> None:
    said = [
        GREETING,
        *REPLIES,
    ]  # the script counts the greeting as a reply, for the model is told of it as one
    providers.script = Script.model_validate({"llm": {"replies": said}, "stt": {"default": QUESTION}})
    number = new_number()
    agent = up.agent(number, greeting_message=GREETING, patience_level="low")
    ask = Step(CueKind.AFTER, 700, speech)
    with on_the_wire(up.dial(number), ask, ask, ask, Step(CueKind.AFTER, 700)) as (call,):
        call_id = live_call(up, agent)
        seen = [(note["kind"], call.log.ended_ns) for note in events(up, call_id)]
    log = call.log
    assert log.status == 200

    during = [kind for kind, ended in seen if not ended]
    assert during.count("caller_said") == 3
    assert during.count("agent_said") >= 3, "what is said is shown while the call is on"
    assert [kind for kind, *_ in seen[-2:]] == ["ended", "line"]

    shown = finished(up, call_id)
    assert shown["call_status"] == "completed"
    expected = [("bot", GREETING)]
    for reply in REPLIES:
        expected += [("human", QUESTION), ("bot", reply)]
    assert lines(shown) == expected
    assert shown["end_call_reason"] == "human_ended_call"
    assert shown["telephony_hangup"] == "caller"
    talked = (log.ended_ns - log.answered_ns) / 1e9
    assert abs(shown["duration"] - talked) < 1.5
    (listed,) = up.calls(agent)
    assert all(listed[name] == shown[name] for name in ("call_id", "call_status", "transcript", "duration"))

    check_recording(shown, log)
    check_ledger(up.ledger(call_id), log)


def check_recording(shown: dict[str, Any], log: WireLog) -> None:
    """Left holds the caller alone, right the agent alone, each when the wire says they spoke."""
    with wave.open(io.BytesIO(httpx2.get(shown["recording_url"], trust_env=False).content)) as file:
        assert (file.getnchannels(), file.getframerate()) == (2, RATE)
        sound = np.frombuffer(file.readframes(file.getnframes()), "<i2").reshape(-1, 2).astype(float)
    caller, agent = sound[:, 0], sound[:, 1]
    assert abs(len(sound) / RATE - (log.ended_ns - log.answered_ns) / 1e9) < 0.5
    assert round(len(sound) / RATE) == int(shown["recording_duration"])
    spoke = [Span(first, last) for first, last in log.steps]
    answers = EnergyMeter().spans(log.heard)
    assert len(spoke) == 3
    assert len(answers) == 4
    for span in spoke:
        assert level(caller, span, log) > 300
        assert level(agent, span, log) < 30
    for span in answers:
        assert level(agent, span, log) > 300
        assert level(caller, span, log) < 30


def level(track: NDArray[np.float64], span: Span, log: WireLog) -> float:
    """RMS within a span of the wire's clock, less 150 ms at either end for what lies between wire and recording."""
    first, last = ((at - log.answered_ns) * RATE // 10**9 for at in span)
    return float(np.sqrt(np.mean(track[first + 1200 : last - 1200] ** 2)))


def check_ledger(ledger: list[dict[str, Any]], log: WireLog) -> None:
    """What the platform says that the caller waited is what the wire says, and its stages add up to it."""
    waited = [turn.gap_ms for turn in turns(log, EnergyMeter())]
    assert len(waited) == len(ledger) == 3
    errors = [said["heard_gap_ms"] - gap for said, gap in zip(ledger, waited, strict=True) if gap is not None]
    assert len(errors) == 3
    assert abs(statistics.median(errors)) <= 100, errors
    for said in ledger:
        assert abs(sum(ms or 0 for ms in said["stages"].values()) - said["heard_gap_ms"]) <= 20
