"""Telephones that are not ours call the platform: SIPp and PJSIP, over UDP and TCP, by voice and by keys."""

import wave
from pathlib import Path

import pytest
from benchmarks.platform import Running

from benchmarks import mulaw
from tests.interop import sipp
from tests.interop.program import Program
from tests.interop.sipp_run import Sipp
from tests.system.talk import (
    GREETING,
    ON_THE_PLATFORM,
    QUESTION,
    events,
    finished,
    lines,
    live_call,
    new_number,
    until,
)
from trunkline.voice.scripted import Script, ScriptedServer

pytestmark = ON_THE_PLATFORM

ANSWER = "On Saturday we open at ten."
FAREWELL = "Thank you, goodbye."


@pytest.fixture
def agent(up: Running, providers: ScriptedServer) -> tuple[str, str]:
    """An agent's id and number: it answers what is asked, and says goodbye to whoever presses keys."""
    ends = {"pattern": "pressed", "text": FAREWELL, "tools": [{"name": "end_call"}]}
    chat = {"rules": [ends], "default": ANSWER}
    providers.script = Script.model_validate({"llm": chat, "stt": {"default": QUESTION}})
    number = new_number()
    return up.agent(number, greeting_message=GREETING, patience_level="low"), number


def check(up: Running, model_id: str, keys: str) -> None:
    """Both sides and the keys are on the record, in order, and there is a recording."""
    (call,) = until(lambda: up.calls(model_id))
    shown = finished(up, call["call_id"])
    assert shown["call_status"] == "completed"
    said = lines(shown)
    assert said[0] == ("bot", GREETING)
    assert said[-2:] == [("human", f"[pressed {' '.join(keys)}]"), ("bot", FAREWELL)]
    assert ("human", QUESTION) in said
    assert ("bot", ANSWER) in said
    assert shown["end_call_reason"] == "agent_ended_call"
    assert int(shown["recording_duration"]) >= 5


@pytest.mark.peer("sipp")
@pytest.mark.parametrize("transport", ["u1", "t1"])
def test_sipp(up: Running, agent: tuple[str, str], speech: bytes, tmp_path: Path, transport: str) -> None:
    model_id, number = agent
    (tmp_path / "speech.raw").write_bytes(speech)
    scenario = (
        sipp.invite(number) + sipp.answered() + sipp.ack(number)
        + sipp.pause(2500)
        + '<nop><action><exec rtp_stream="speech.raw,1,0"/></action></nop>'
        + sipp.pause(5000)
        + sipp.press("4", number, 2) + sipp.press("2", number, 3) + sipp.press("#", number, 4)
        + sipp.be_hung_up()
    )  # fmt: skip
    Sipp(tmp_path, scenario, f"127.0.0.1:{up.sip_port}", transport=transport).finish()
    check(up, model_id, "42#")


@pytest.mark.peer("pjsip")
def test_pjsip(up: Running, agent: tuple[str, str], speech: bytes, tmp_path: Path) -> None:
    model_id, number = agent
    sound = tmp_path / "speech.wav"
    with wave.open(str(sound), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(8000)
        file.writeframes(bytes(5000 * 16) + mulaw.decode(speech) + bytes(30_000 * 16))
    arguments = ("--work", str(tmp_path), "--target", up.dial(number), "--sound", str(sound))
    with Program("tests.interop.pjsip_phone", *arguments) as phone:
        for note in events(up, live_call(up, model_id)):
            if note["kind"] == "agent_said" and note["data"]["text"] == ANSWER:
                phone.tell("digits", digits="19*#")
        heard = phone.wait_for("heard")
    assert heard["seconds"] > 1.0, "the agent was heard"
    check(up, model_id, "19*#")
