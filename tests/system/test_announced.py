"""A call that a switch announced before it sends it here, over real SIP."""

from benchmarks.platform import Running
from benchmarks.wire import CueKind, Step

from tests.system.talk import GREETING, ON_THE_PLATFORM, finished, lines, live_call, new_number, on_the_wire
from trunkline.voice.scripted import Script, ScriptedServer

pytestmark = ON_THE_PLATFORM


def test_an_announced_call_comes_under_its_id_whatever_number_it_dials(
    up: Running, providers: ScriptedServer
) -> None:
    providers.script = Script.model_validate({"llm": {"replies": [GREETING]}})
    agent, unknown = up.agent(new_number(), greeting_message="Hello there."), new_number()
    body = {"model_id": agent, "from_number": "+15550777", "custom_variables": {"first": "Ann"}}
    answer = up.api.post("/v2/prepare_inbound", json=body)
    answer.raise_for_status()
    call_id = answer.json()["synthflow_call_id"]
    headers = {"X-EI": call_id}
    with on_the_wire(up.dial(unknown), Step(CueKind.AFTER, 700), headers=headers) as (call,):
        assert live_call(up, agent) == call_id
    assert call.log.status == 200
    shown = finished(up, call_id)
    assert (shown["call_status"], shown["type_of_call"]) == ("completed", "inbound")
    assert (shown["phone_number_from"], shown["phone_number_to"]) == ("+15550777", unknown.removeprefix("+"))
    assert shown["prompt_variables"] == {"first": "Ann"}
    assert lines(shown) == [("bot", GREETING)]
