"""Whatever is sent, nothing may be a fault of ours."""

import json
import random
from typing import Any

from tests.resources.api import Api
from tests.resources.calls.rows import LEAD, NUMBER

REQUESTS = 300
VALUES: list[Any] = [
    None, True, 0, -1, 2**63, 10**25, 1e308, float("nan"), "", "x", "\x00", "\ud800", "é" * 50, NUMBER, "sip:a@b",
    "2026-01-01", [], {}, [None], [{}], {"a": 1}, [NUMBER], {"x": {"y": ["\x00"]}}, [["a"]], {"key": 3},
]  # fmt: skip
MEMBERS = [
    "type", "name", "agent", "description", "phone_number", "external_webhook_url", "is_recording", "max_duration",
    "voicemail_message", "actions", "model_id", "phone", "from_phone_number", "custom_variables", "lead_timezone",
    "prompt", "workspace_id", "termination_uri", "sip_term_uri", "provider_name", "trunk_username", "trunk_pwd",
    "uac_enabled", "uac_register_expires", "agent_id", "friendly_name", "phone_numbers", "caller_id_number", "llm",
]  # fmt: skip
SETTINGS = [
    "timezone", "voice_stability", "prompt", "llm", "language", "background_noise", "end_call_reasons_v2",
    "min_words_to_interrupt", "greeting_message_mode", "synthesizer_filter_words", "consent_text",
]  # fmt: skip
QUERIES = [
    "limit", "offset", "from_date", "to_date", "call_status", "duration_min", "duration_max", "lead_phone_number",
    "batch_call_id", "model_id", "is_available", "include_actions", "workspace",
]  # fmt: skip


async def test_random_input_is_answered_or_refused(api: Api) -> None:
    seed = random.randrange(2**32)
    print(f"seed {seed}")  # noqa: T201 - shown when the test fails
    dice = random.Random(seed)
    await api.host()
    await api.number()
    agent = await api.agent(phone_number=NUMBER)
    good: dict[tuple[str, str], dict[str, Any]] = {
        ("POST", "/v2/assistants"): {"type": "outbound", "name": "A", "agent": {}},
        ("PUT", f"/v2/assistants/{agent}"): {},
        ("PUT", f"/v2/assistants/{agent}/phone_numbers"): {},
        ("POST", "/v2/calls"): {"model_id": agent, "phone": LEAD, "name": ""},
        ("POST", "/v2/custom-numbers"): {"workspace_id": str(api.workspace.id), "termination_uri": "x"},
        ("PATCH", f"/v2/numbers/{NUMBER[1:]}"): {},
        ("GET", "/v2/calls"): {},
        ("GET", "/v2/numbers"): {},
        ("GET", "/v2/assistants"): {},
    }
    for _ in range(REQUESTS):
        (method, path), body = dice.choice(list(good.items()))
        query = {
            dice.choice(QUERIES): str(dice.choice(VALUES)).encode("utf-8", "replace").decode()
            for _ in range(2)
        }
        sent = body | {dice.choice(MEMBERS): dice.choice(VALUES) for _ in range(dice.randint(0, 2))}
        if dice.random() < 0.5:
            sent["agent"] = {dice.choice(SETTINGS): dice.choice(VALUES) for _ in range(2)}
        content = None if method == "GET" else json.dumps(sent).encode()
        answer = await api.client.request(method, path, params=query, content=content)
        assert answer.status_code < 500, (method, path, query, sent, answer.text)
        if answer.is_error:
            assert answer.json()["detail"]["description"]
