"""Every operation of the contract as a program would call it; texts like `$agent` stand for ids of the world."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from tests.resources.actions.bodies import CUSTOM
from tests.resources.calls.rows import LEAD
from tests.resources.contract import contract
from tests.resources.simulations.conftest import case_body

Key = tuple[str, str]

PLACES = {
    "model_id": "agent",
    "assistant_id": "agent",
    "agent_id": "agent",
    "phone_number_slug": "slug",
    "call_id": "call",
    "chat_id": "chat",
    "simulation_case_id": "case",
    "suite_id": "suite",
    "scenario_id": "scenario",
    "simulation_session_id": "session",
    "session_id": "session",
    "simulation_id": "run",
    "action_id": "action",
    "workspace_id": "workspace",
    "id": "knowledge",
    "knowledge_base_id": "knowledge",
    "source_id": "source",
    "phone_book_id": "book",
    "entry_id": "entry",
    "subaccount_id": "subaccount",
    "contact_id": "contact",
    "memory_store_id": "store",
    "webhook_log_id": "log",
    "batch_call_id": "batch",
}
"""What the parameters of paths stand for, unless an operation says otherwise."""


@dataclass(frozen=True)
class Operation:
    """One call of the API."""

    method: str
    path: str
    body: Any = None
    query: dict[str, Any] = field(default_factory=dict)
    places: dict[str, str] = field(default_factory=dict)
    first: tuple[str, ...] = ()
    """Kinds of things that must be there."""
    after: tuple[Key, ...] = ()
    """Operations that must have been called."""

    @property
    def key(self) -> Key:
        return self.method, self.path

    @property
    def status(self) -> int:
        """That of success."""
        declared = contract.document()["paths"][self.path][self.method.lower()]["responses"]
        return next(int(status) for status in declared if status.startswith("2"))


_TEXT_SOURCE = {"name": "Hours", "type": "text", "content": "Open from nine."}
_ENTRY = {"phone_number": "+14155552672", "transfer_condition": "Wants to sell."}
_SERVERS = {"servers": [{"mcp_url": "https://tools.example.com/mcp", "headers": {"X-Key": "secret"}}]}
_RUN = {"simulation_case_id": "$case", "target_agent_id": "$agent", "custom_variables": {"who": "Ann"}}
_CASE_PLACE = {"simulation_id": "case"}
_BATCH = {
    "model_id": "$agent",
    "from_phone_number": "$number",
    "tasks": [{"to_phone_number": LEAD, "lead_name": "Ann", "override_model_id": "$agent"}],
}
_MEDIA = {"modelId": "$agent", "fromPhoneNumber": "+14155550188", "toPhoneNumber": LEAD}
_MCP = "/workspaces/{workspace_id}/mcp-"
_STORE = "/memory_stores/{memory_store_id}"
_KNOWLEDGE = "/knowledge_base/{knowledge_base_id}"


def _operations() -> Iterator[Operation]:
    new_agent = {"type": "outbound", "name": "Käthe", "agent": {"prompt": "P"}, "phone_number": "$number"}
    yield Operation("POST", "/assistants", new_agent)
    yield Operation("GET", "/assistants/", first=("agent",))
    yield Operation(
        "GET", "/assistants/{model_id}", query={"include_actions": True}, after=(("POST", "/actions/attach"),)
    )
    yield Operation("PUT", "/assistants/{model_id}", {"name": "B", "actions": ["$action"]})
    yield Operation("DELETE", "/assistants/{model_id}")
    yield Operation("PUT", "/assistants/{model_id}/phone_numbers", {"phone_numbers": ["$free_number"]})
    yield Operation("DELETE", "/assistants/{model_id}/phone_numbers/{phone_number_slug}")

    call = {"model_id": "$agent", "phone": LEAD, "name": "Ann", "from_phone_number": "$number"}
    yield Operation(
        "POST", "/calls", call | {"custom_variables": [{"key": "a", "value": "b"}]}, first=("call",)
    )
    query = {"model_id": "$agent", "call_status": "completed", "from_date": "2020-01-01"}
    yield Operation("GET", "/calls", query=query, first=("call",))
    yield Operation("GET", "/calls/{call_id}")
    yield Operation(
        "POST", "/calls/outbound-test-ws-media", _MEDIA | {"wsMediaCodec": "pcmu"}, first=("call",)
    )
    yield Operation("GET", "/calls/outbound-test-ws-media/base-url", first=("call",))
    announced = {
        "model_id": "$agent",
        "from_number": LEAD,
        "to_number": "+14155550188",
        "custom_variables": {"a": "b"},
    }
    yield Operation("POST", "/prepare_inbound", announced | {"workspace_id": "$workspace"})
    yield Operation("POST", "/calls/batch", _BATCH)
    yield Operation("GET", "/calls/batch", first=("batch",))
    yield Operation("GET", "/calls/batch/{batch_call_id}")
    yield Operation("GET", "/calls/batch/{batch_call_id}/tasks", query={"status": "pending"})
    yield Operation("POST", "/calls/batch/{batch_call_id}/pause")
    yield Operation(
        "POST", "/calls/batch/{batch_call_id}/resume", after=(("POST", "/calls/batch/{batch_call_id}/pause"),)
    )
    yield Operation("POST", "/calls/batch/{batch_call_id}/cancel")

    yield Operation(
        "POST",
        "/chat/{chat_id}",
        {"model_id": "$agent", "metadata": {"a": "b"}},
        places={"chat_id": "new_chat"},
    )
    yield Operation("GET", "/chat/{chat_id}", after=(("POST", "/chat/{chat_id}/messages"),))
    yield Operation("DELETE", "/chat/{chat_id}")
    yield Operation("GET", "/chat", query={"agent_id": "$agent"}, first=("chat",))
    yield Operation("POST", "/chat/{chat_id}/messages", {"message": "Hello?"})
    outbound = {"agent_id": "$agent", "channel": "sms", "to_number": LEAD, "from_number": "$number"}
    yield Operation("POST", "/chat/outbound", outbound | {"initial_message": "Hi"})

    yield from _simulations()
    yield from _actions()
    yield from _knowledge_and_people()
    yield from _house()


def _simulations() -> Iterator[Operation]:
    yield Operation("POST", "/simulation_cases", case_body(base_agent_id="$agent", suite_id="$suite"))
    yield Operation("GET", "/simulation_cases", query={"suite_id": "$suite"}, first=("case",))
    generate = {"agent_id": "$agent", "suite_id": "$suite", "include_tests": ["csat_score"]}
    for prefix, base in (
        ("/simulation_cases/{simulation_case_id}", {}),
        ("/simulations/{simulation_id}", _CASE_PLACE),
    ):
        if not base:
            yield Operation("GET", prefix)
        yield Operation("PUT", prefix, {"name": "Other", "success_criteria": ["Ends."]}, places=base)
        yield Operation("DELETE", prefix, places=base)
    yield Operation("POST", "/simulation_cases/generate", generate)
    yield Operation("POST", "/simulations/generate", generate)
    yield Operation("GET", "/simulation_cases/by_agent", query={"agent_id": "$agent"}, first=("case",))
    yield Operation("GET", "/simulations/agent/{agent_id}", first=("case",))

    yield Operation("POST", "/simulation_suites", {"name": "S", "model_id": "$agent", "language": "de-DE"})
    yield Operation("GET", "/simulation_suites", query={"model_ids": ["$agent"]}, first=("case",))
    yield Operation("GET", "/simulation_suites/{suite_id}", first=("case",))
    yield Operation("PUT", "/simulation_suites/{suite_id}", {"name": "T"})
    yield Operation("DELETE", "/simulation_suites/{suite_id}")
    yield Operation(
        "POST", "/simulation_suites/{suite_id}/execute", query={"target_agent_id": "$agent"}, first=("case",)
    )

    yield Operation("POST", "/simulation_scenarios", {"name": "Rain", "description": "It rains."})
    yield Operation("GET", "/simulation_scenarios", first=("scenario",))
    yield Operation("GET", "/simulation_scenarios/{scenario_id}")
    yield Operation("PUT", "/simulation_scenarios/{scenario_id}", {"description": "It pours."})
    yield Operation("DELETE", "/simulation_scenarios/{scenario_id}")

    of_session = {"simulation_session_id": "$session", "target_agent_id": "$agent"}
    yield Operation("POST", "/simulations", _RUN)
    yield Operation("POST", "/simulations/start", _RUN | {"simulation_session_id": "$session"})
    yield Operation("GET", "/simulations", query=of_session)
    yield Operation("GET", "/simulations/all", first=("run",))
    yield Operation("GET", "/simulations/{simulation_id}")
    for many, one in (
        ("/simulations/sessions", "/simulations/session/{simulation_session_id}"),
        ("/sessions", "/sessions/{session_id}"),
    ):
        yield Operation("GET", many, query={"target_agent_id": "$agent"}, first=("run",))
        yield Operation("GET", one)


def _actions() -> Iterator[Operation]:
    yield Operation("GET", "/actions", first=("action",))
    yield Operation("POST", "/actions", {"CUSTOM_ACTION": CUSTOM})
    yield Operation("POST", "/actions/initialize", {"action_id": "$action", "variables": {}})
    yield Operation("PUT", "/actions/{action_id}", {"CUSTOM_ACTION": {"failure_timeout": 5}})
    yield Operation("DELETE", "/actions/{action_id}")
    yield Operation(
        "GET",
        "/actions/{action_id}",
        query={"include_assistants": True},
        after=(("POST", "/actions/attach"),),
    )
    yield Operation("POST", "/actions/attach", {"model_id": "$agent", "actions": ["$action"]})
    yield Operation(
        "POST",
        "/actions/detach",
        {"model_id": "$agent", "actions": ["$action"]},
        after=(("POST", "/actions/attach"),),
    )
    yield Operation("GET", "/logs", query={"workspace_id": "$workspace"}, first=("log",))
    yield Operation("GET", "/logs/{webhook_log_id}", query={"workspace_id": "$workspace"})
    yield Operation("POST", f"{_MCP}config", _SERVERS)
    yield Operation("GET", f"{_MCP}config", first=("tools",))
    yield Operation("PUT", f"{_MCP}config", _SERVERS, first=("tools",))
    yield Operation("DELETE", f"{_MCP}config", first=("tools",))
    yield Operation("POST", f"{_MCP}tools/discover", first=("tools",))
    yield Operation(
        "POST", f"{_MCP}tools/invoke", {"namespaced_tool": "$tool", "arguments": {"town": "Bonn"}}
    )


def _knowledge_and_people() -> Iterator[Operation]:
    base = {"name": "House", "rag_use_condition": "When asked about the house."}
    yield Operation("GET", "/knowledge_base", first=("source",))
    yield Operation("POST", "/knowledge_base", base)
    yield Operation("GET", "/knowledge_base/{id}", first=("source",))
    yield Operation("PUT", "/knowledge_base/{id}", {"name": "Home"})
    yield Operation("DELETE", "/knowledge_base/{id}")
    yield Operation("POST", f"{_KNOWLEDGE}/attach", query={"model_id": "$agent"})
    yield Operation(
        "POST", f"{_KNOWLEDGE}/detach", {"model_id": "$agent"}, after=(("POST", f"{_KNOWLEDGE}/attach"),)
    )
    yield Operation("GET", f"{_KNOWLEDGE}/sources", first=("source",))
    yield Operation("POST", f"{_KNOWLEDGE}/sources", _TEXT_SOURCE)
    yield Operation("PUT", f"{_KNOWLEDGE}/sources/{{source_id}}", {"name": "Times"})
    yield Operation("DELETE", f"{_KNOWLEDGE}/sources/{{source_id}}")

    yield Operation("POST", "/contacts", {"name": "Bob", "phone_number": "+14155552673"})
    yield Operation("GET", "/contacts", query={"search": LEAD}, first=("contact",))
    yield Operation("GET", "/contacts/{contact_id}")
    yield Operation("PATCH", "/contacts/{contact_id}", {"name": "Anna", "contact_metadata": {"b": 2}})
    yield Operation("DELETE", "/contacts/{contact_id}")

    yield Operation("POST", "/memory_stores", {"title": "Likes"})
    yield Operation("GET", "/memory_stores", first=("attached_store",))
    yield Operation("GET", _STORE, first=("attached_store",))
    yield Operation("PATCH", _STORE, {"title": "Dislikes"})
    yield Operation("DELETE", _STORE)
    yield Operation("PATCH", "/memory_stores/", {"id": "$store", "title": "Dislikes"})
    yield Operation("DELETE", "/memory_stores/", query={"memory_store_id": "$store"})
    for owner in ("assistants/{assistant_id}", "contacts/{contact_id}"):
        yield Operation("POST", f"{_STORE}/{owner}/attach")
        yield Operation("POST", f"{_STORE}/{owner}/detach", first=("attached_store",))
    yield Operation("GET", f"{_STORE}/contacts/{{contact_id}}/memory_data", first=("attached_store",))
    yield Operation("POST", f"{_STORE}/contacts/{{contact_id}}/memory_data", first=("attached_store",))

    yield Operation("POST", "/phonebooks", {"name": "Sales"})
    yield Operation("GET", "/phonebooks", first=("entry",))
    yield Operation("DELETE", "/phonebooks/{phone_book_id}")
    yield Operation("POST", "/phonebooks/{phone_book_id}/entries", _ENTRY)
    yield Operation("GET", "/phonebooks/{phone_book_id}/entries", first=("entry",))
    yield Operation("PUT", "/phonebooks/{phone_book_id}/entries/{entry_id}", _ENTRY)
    yield Operation("DELETE", "/phonebooks/{phone_book_id}/entries/{entry_id}")


def _house() -> Iterator[Operation]:
    yield Operation("GET", "/analytics/", query={"model_id": "$agent"}, first=("call",))
    yield Operation("GET", "/numbers", first=("number",))
    yield Operation("GET", "/numbers/{phone_number_slug}")
    yield Operation("PATCH", "/numbers/{phone_number_slug}", {"friendly_name": "Desk"})
    yield Operation("DELETE", "/numbers/{phone_number_slug}")
    number = {
        "workspace_id": "$workspace",
        "phone_number": "+14155550177",
        "termination_uri": "sip.example.com",
    }
    yield Operation("POST", "/custom-numbers", number)
    yield Operation("GET", "/voices")

    moved = {"operation_type": "import", "products": {"phone_numbers": [{"number": "$free_number"}]}}
    yield Operation("POST", "/subaccounts", {"subaccount_name": "Shop", "grant_permissions": ["chat"]})
    yield Operation("GET", "/subaccounts/", first=("subaccount",))
    yield Operation("GET", "/subaccounts/{subaccount_id}")
    yield Operation("PUT", "/subaccounts/{subaccount_id}", {"subaccount_name": "Shop 2", **moved})
    yield Operation("DELETE", "/subaccounts/{subaccount_id}")


OPERATIONS = {operation.key: operation for operation in _operations()}
