"""The post-call webhook, as contract, section 14, prints it."""

from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from trunkline.resources.calls.after_webhook import rendered
from trunkline.resources.calls.models import Call

ID, AGENT = UUID(int=1), UUID(int=2)


def call(**columns: Any) -> Call:
    values = {
        "id": ID,
        "agent_id": AGENT,
        "status": "completed",
        "name": "Ann",
        "other_party": "+15550199",
        "variables": {"city": "Graz"},
        "timezone": "Europe/Vienna",
        "duration_s": 61,
        "started_at": datetime(2026, 3, 1, 12, tzinfo=UTC),
        "transcript": "\nbot: Hello.",
        "executed_actions": {},
        "collected_variables": {},
    }
    return Call(**(values | columns))


def test_the_whole_of_it() -> None:
    assert rendered(call(), "human_goodbye", "https://api.test/r") == {
        "status": "completed",
        "error_message": "",
        "lead": {"name": "Ann", "phone_number": "+15550199", "prompt_variables": {"city": "Graz"}},
        "call": {
            "status": "completed",
            "end_call_reason": "human_goodbye",
            "model_id": str(AGENT),
            "timezone": "Europe/Vienna",
            "call_id": str(ID),
            "duration": 61,
            "start_time": "2026-03-01T12:00:00+00:00",
            "transcript": "\nbot: Hello.",
            "recording_url": "https://api.test/r",
            "diversion": "",
            "external_id": "",
        },
        "executed_actions": {},
        "analysis": None,
        "collected_variables": {},
    }


def test_what_is_empty_is_left_out_where_the_contract_says_so() -> None:
    told = rendered(call(end_reason="human_ended_call", end_detail="x"), "human_goodbye", None)["call"]
    assert "recording_url" not in told and "custom_end_call_reason" not in told
    custom = rendered(call(end_reason="custom_end_call", end_detail="was rude"), "custom_end_call", None)
    assert custom["call"]["custom_end_call_reason"] == "was rude"


def test_headers_of_the_invite_and_what_was_collected() -> None:
    collected = {
        str(AGENT): {
            "mood": {"value": "good", "collected": True},
            "age": {"value": None, "collected": False},
        }
    }
    told = rendered(
        call(sip_headers={"diversion": "<sip:1@x>", "x-ei": "order 7"}, collected_variables=collected),
        "",
        None,
    )
    assert (told["call"]["diversion"], told["call"]["external_id"]) == ("<sip:1@x>", "order 7")
    assert told["collected_variables"] == {"mood": {"value": "good", "collected": True}}
