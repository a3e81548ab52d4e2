"""One of everything in a workspace, made through the API when it is first asked for."""

import time
from collections.abc import Awaitable, Callable
from typing import Any, cast
from uuid import uuid4

from tests.resources.actions.bodies import CUSTOM
from tests.resources.api import Api
from tests.resources.calls.rows import LEAD, NOON, store
from tests.resources.simulations.conftest import case_body

SETTINGS: dict[str, Any] = {
    "prompt": "You are a receptionist.",
    "greeting_message": "Hello.",
    "llm": "gpt-5.2",
    "language": "de-DE",
    "greeting_message_mode": "human",
    "min_words_to_interrupt": "2",
    "patience_level": "high",
    "voice_stability": 0.5,
    "voice_speed": 1.0,
    "background_noise": {"enabled": True, "type": "office", "volume": 1},
    "end_call_reasons_v2": [{"reason": "done", "closing_message_mode": "none"}],
    "transcriber_keywords": ["Trunkline"],
}


class World:
    """A workspace's things by their kind: `await world.id("contact")`."""

    def __init__(self, api: Api, base: str) -> None:
        """`base`: where there is a tool server (`/mcp`) and somebody's page (`/page`)."""
        self.api = api
        self.base = base
        self._made: dict[str, str] = {}

    async def id(self, kind: str) -> str:
        """The id of the one thing of this kind."""
        if kind not in self._made:
            make = cast(Callable[[], Awaitable[str]], getattr(self, f"_{kind}"))
            self._made[kind] = await make()
        return self._made[kind]

    @property
    def made(self) -> list[str]:
        """Ids of all that was made so far."""
        return list(self._made.values())

    async def fill(self, value: Any) -> Any:
        """A body or query with its places, texts like `$contact`, filled."""
        if isinstance(value, str) and value.startswith("$"):
            return await self.id(value[1:])
        if isinstance(value, dict):
            return {name: await self.fill(member) for name, member in value.items()}
        if isinstance(value, list):
            return [await self.fill(member) for member in value]
        return value

    async def _post(self, path: str, body: Any) -> Any:
        return await self.api.send("POST", f"/v2{path}", json=await self.fill(body))

    async def _workspace(self) -> str:
        return str(self.api.workspace.id)

    async def _new_chat(self) -> str:
        return str(uuid4())

    # ---- agents, numbers, calls ----

    async def _agent(self) -> str:
        return await self.api.agent(
            type="outbound",
            description="Answers.",
            agent=SETTINGS,
            phone_number=await self.id("number"),
            external_webhook_url="https://example.com/hook",
            max_duration={"duration_seconds": 600, "is_enabled": True},
            voicemail_message={"enabled": True, "mode": "exact_message", "exact_message": "Bye"},
        )

    async def _number(self) -> str:
        return await self.api.number(f"+1415555{uuid4().int % 10000:04d}")

    async def _slug(self) -> str:
        return (await self.id("number")).removeprefix("+")

    async def _free_number(self) -> str:
        return await self.api.number(f"+1415556{uuid4().int % 10000:04d}")

    async def _call(self) -> str:
        await self.api.host(capacity=1000)
        agent, number = await self.id("agent"), await self.id("number")
        await store(self.api, agent, status="pending")
        return await store(
            self.api,
            agent,
            name="Ann",
            agent_number=number,
            number_from=number,
            number_to=LEAD,
            deployment_type="Telephony",
            started_at=NOON,
            ended_at=NOON,
            duration_s=42,
            ringing_ms=1,
            telephony_ms=2,
            end_reason="human_ended_call",
            hangup_by="callee",
            disconnect_reason="callee_hangup",
            transcript="\nbot: Hello",
            recording_key="x.wav",
            recording_s=1.0,
            collected_variables={agent: {"city": {"value": "Bonn", "collected": True}}},
        )

    async def _batch(self) -> str:
        body = {
            "model_id": "$agent",
            "from_phone_number": "$number",
            "name": "Reminders",
            "trigger_timestamp": int((time.time() + 3600) * 1000),
            "tasks": [{"to_phone_number": LEAD, "lead_name": "Ann", "custom_variables": {"day": "Monday"}}],
        }
        return str((await self._post("/calls/batch", body))["response"]["batch_call_id"])

    # ---- actions and what they use ----

    async def _action(self) -> str:
        body = {"CUSTOM_ACTION": {**CUSTOM, "http_mode": "GET", "url": f"{self.base}/page"}}
        return str((await self._post("/actions", body))["response"]["action_id"])

    async def _log(self) -> str:
        await self._post("/actions/initialize", {"action_id": "$action", "variables": {}})
        logs = await self.api.send("GET", f"/v2/logs?workspace_id={self.api.workspace.id}")
        return str(logs["response"]["items"][0]["webhook_log_id"])

    async def _book(self) -> str:
        return str((await self._post("/phonebooks", {"name": "Sales"}))["response"]["key"])

    async def _entry(self) -> str:
        path = f"/phonebooks/{await self.id('book')}/entries"
        body = {"phone_number": LEAD, "transfer_condition": "Wants to buy."}
        return str((await self._post(path, body))["response"]["key"])

    # ---- people and what is known of them ----

    async def _contact(self) -> str:
        body = {"name": "Ann", "phone_number": LEAD, "email": "ann@example.com", "contact_metadata": {"a": 1}}
        return str((await self._post("/contacts", body))["response"]["id"])

    async def _store(self) -> str:
        made = await self._post("/memory_stores", {"title": "Orders", "description": "What they bought."})
        return str(made["response"]["id"])

    async def _attached_store(self) -> str:
        store_id = await self.id("store")
        await self._post(f"/memory_stores/{store_id}/contacts/{await self.id('contact')}/attach", None)
        await self._post(f"/memory_stores/{store_id}/assistants/{await self.id('agent')}/attach", None)
        return store_id

    async def _knowledge(self) -> str:
        body = {"name": "House", "rag_use_condition": "When asked about the house."}
        return str((await self._post("/knowledge_base", body))["response"]["knowledge_base_id"])

    async def _source(self) -> str:
        path = f"/knowledge_base/{await self.id('knowledge')}/sources"
        made = await self._post(path, {"name": "Hours", "type": "text", "content": "Open from nine."})
        return str(made["response"]["source_id"])

    # ---- simulations ----

    async def _case(self) -> str:
        body = case_body(base_agent_id="$agent", suite_id="$suite")
        made = await self._post("/simulation_cases", body)
        return str(made["response"]["simulation_case"]["simulation_case_id"])

    async def _suite(self) -> str:
        return str(
            (await self._post("/simulation_suites", {"name": "All", "model_id": "$agent"}))["response"]["id"]
        )

    async def _scenario(self) -> str:
        made = await self._post("/simulation_scenarios", {"name": "Rain", "description": "It rains."})
        return str(made["response"]["id"])

    async def _run(self) -> str:
        body = {"simulation_case_id": "$case", "target_agent_id": "$agent"}
        run = (await self._post("/simulations", body))["response"]
        self._made["session"] = str(run["simulation_session_id"])
        return str(run["simulation_id"])

    async def _session(self) -> str:
        await self.id("run")
        return self._made["session"]

    # ---- chats, tool servers, subaccounts ----

    async def _chat(self) -> str:
        chat = str(uuid4())
        await self._post(f"/chat/{chat}", {"model_id": "$agent"})
        return chat

    async def _tools(self) -> str:
        path = f"/workspaces/{self.api.workspace.id}/mcp-config"
        made = await self._post(path, {"servers": [{"mcp_url": f"{self.base}/mcp", "headers": {"X-A": "b"}}]})
        return str(made["id"])

    async def _tool(self) -> str:
        await self.id("tools")
        path = f"/v2/workspaces/{self.api.workspace.id}/mcp-tools/discover"
        found = await self.api.send("POST", path)
        tools = [tool["namespaced_tool"] for server in found["servers"] for tool in server["tools"]]
        return next(str(tool) for tool in tools if tool.endswith("forecast"))

    async def _subaccount(self) -> str:
        made = await self._post("/subaccounts", {"subaccount_name": "Branch", "user_email": "b@example.com"})
        return str(made["response"]["subaccount_id"])
