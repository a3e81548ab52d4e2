"""Variables that every call has: one list, and nobody sets them."""

from uuid import uuid4

from trunkline.resources.agents.models import Agent
from trunkline.resources.calls.models import Call
from trunkline.resources.calls.plan import plan_of
from trunkline.resources.holes import SYSTEM


def test_every_call_has_the_systems_variables_whatever_it_was_given() -> None:
    call = Call(
        id=uuid4(),
        workspace_id=uuid4(),
        direction="inbound",
        number_from="+15550199",
        number_to="+15550100",
        other_party="+15550199",
        variables=dict.fromkeys(SYSTEM, "forged"),
        overrides={},
        sip_headers={"X-Twilio-CallSid": "CA1"},
    )
    agent = Agent(
        id=uuid4(), type="inbound", settings={}, is_recording=False, max_duration={}, voicemail_message={}
    )
    variables = plan_of(call, agent, None).variables
    assert set(variables) == SYSTEM
    assert "forged" not in variables.values()
    assert all(variables.values())
