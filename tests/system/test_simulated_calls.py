"""A session at the level `line` over the API: a process of the worker really calls the agent, and the record is judged."""

from typing import Any

from benchmarks.platform import Running

from tests.system.talk import GREETING, ON_THE_PLATFORM, new_number, record, until
from trunkline.voice.scripted import Script, ScriptedServer

pytestmark = ON_THE_PLATFORM

SESSIONS = "/trunkline/v1/simulation_sessions"
SCRIPT = Script.model_validate(
    {
        "llm": {"default": "Your table is booked for Saturday evening."},
        "stt": {"default": "We would like a table for two."},
        "tts": {"voice": "hibari"},
    }
)
PERSONA = {
    "script": [
        {"say": "We would like a table for two."},
        {"say": "On Saturday, please."},
        {"say": "Thank you and goodbye.", "hang_up": True},
    ]
}
RULES = [{"rule": "said", "pattern": "Hello"}, {"rule": "ended_by", "reason": "human_ended"}]
"""What holds on a slow machine too, where a caller takes a gap in the sound for the end of a sentence."""


def send(up: Running, method: str, path: str, body: dict[str, Any] | None = None) -> dict[str, Any]:
    answer = up.api.request(method, path, json=body)
    assert answer.is_success, answer.text
    return dict(answer.json())


def test_a_session_really_calls_the_agent(up: Running, providers: ScriptedServer) -> None:
    providers.script = SCRIPT
    agent = up.agent(new_number(), greeting_message=GREETING)
    case = {
        "name": "A table",
        "prompt": "You want a table.",
        "type": "custom",
        "success_criteria": [],
        "call_success_type": "all",
    }
    made = send(up, "POST", "/v2/simulation_cases", case)["response"]["simulation_case"]
    case_id = made["simulation_case_id"]
    send(up, "PUT", f"/trunkline/v1/simulation_cases/{case_id}/details", {"persona": PERSONA, "rules": RULES})
    body = {
        "simulation_case_ids": [case_id],
        "target_agent_id": agent,
        "level": "line",
        "tools": "real",
        "custom_variables": {"first": "Ann"},
    }
    session = send(up, "POST", SESSIONS, body)
    path = f"{SESSIONS}/{session['simulation_session_id']}"

    def over() -> dict[str, Any] | None:
        shown = send(up, "GET", path)
        return shown if shown["status"] != "in-progress" else None

    done = until(over, within=180.0)
    [begun] = send(up, "GET", f"/v2/sessions/{session['simulation_session_id']}")["response"]["simulations"]
    run = send(up, "GET", f"/trunkline/v1/simulations/{begun['simulation_id']}")
    assert (run["status"], run["outcome"]) == ("completed", "pass"), run
    assert done["result"]["passed"]
    assert run["happened"]["turns"]
    assert run["recording_url"]
    shown = record(up, up.calls(agent)[0]["call_id"])
    assert (shown["call_status"], shown["prompt_variables"]) == ("completed", {"first": "Ann"})
