"""What a key may do: one word for each part of the API, with `:read` behind it for reading only.

A key has everything in its workspace unless it was made with scopes; a subaccount has everything that its parent
has not taken from it. The words are the permissions of the contract (section 10), and ours for what it leaves out.
"""

from collections.abc import Iterable
from enum import StrEnum

from trunkline.errors import BadInput


class Scope(StrEnum):
    """One part of the API. Those up to ANALYTICS can be taken from a subaccount."""

    INBOUND = "inbound"
    """Agents of this type, and the calls that they answer."""
    OUTBOUND = "outbound"
    """Agents of this type, and placing calls."""
    WIDGET = "widget"
    """Agents of this type."""
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

KNOWN = tuple(f"{scope}{suffix}" for scope in Scope for suffix in ("", READ))
"""Every text that a key's scopes may hold."""


def checked(scopes: Iterable[str]) -> list[str]:
    """Scopes for a new key, each once, in the order of the vocabulary.

    Raises:
        BadInput: one is not known, or there is none.
    """
    wanted = set(scopes)
    if unknown := sorted(wanted - set(KNOWN)):
        words = ", ".join(Scope)
        raise BadInput(
            f"scopes: {unknown[0]!r} is not known; use {words}, or one of them with {READ} behind it."
        )
    if not wanted:
        raise BadInput("scopes: name at least one, or leave scopes out for a key that may do everything.")
    return [scope for scope in KNOWN if scope in wanted]


def within(scopes: Iterable[str], held: Iterable[str]) -> bool:
    """Whether `held` covers all of `scopes`: a scope covers its own reading."""
    have = frozenset(held)
    return all(scope in have or scope.removesuffix(READ) in have for scope in scopes)
