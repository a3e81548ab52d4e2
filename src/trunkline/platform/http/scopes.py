"""What a key may do: one word for each part of the API, with `:read` behind it for reading only.

A key has everything in its workspace unless it was made with scopes; a subaccount has everything that its parent
has not taken from it. The words are the permissions of the contract (section 10), and ours for what it leaves out.
"""

from enum import StrEnum


class Scope(StrEnum):
    """One part of the API. Those up to ANALYTICS can be taken from a subaccount."""

    INBOUND = "inbound"
    OUTBOUND = "outbound"
    WIDGET = "widget"
    CHAT = "chat"
    ASSISTANTS = "assistants"
    KNOWLEDGE_BASE = "knowledge_base"
    ACTIONS = "actions"
    WORKFLOWS = "workflows"
    CONTACTS = "contacts"
    PHONE_NUMBERS = "phone_numbers"
    LOGS = "logs"
    SIMULATIONS = "simulations"
    ANALYTICS = "analytics"
    CALLS = "calls"
    SUBACCOUNTS = "subaccounts"
    WORKSPACE = "workspace"
    """Keys, secrets, tool servers."""


PERMISSIONS = tuple(
    scope for scope in Scope if scope not in (Scope.CALLS, Scope.SUBACCOUNTS, Scope.WORKSPACE)
)
"""What the contract lets a parent grant to a subaccount and revoke from it."""

READ = ":read"
READING = frozenset({"GET", "HEAD", "OPTIONS"})
"""Methods that change nothing."""
