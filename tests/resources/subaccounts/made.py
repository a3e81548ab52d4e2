"""Subaccounts for tests."""

from dataclasses import dataclass
from typing import Any

from tests.resources.api import Api


@dataclass(frozen=True)
class Made:
    """A subaccount and its key."""

    id: str
    key: str

    @property
    def path(self) -> str:
        return f"/v2/subaccounts/{self.id}"

    @property
    def headers(self) -> dict[str, str]:
        """For requests of its own."""
        return bearer(self.key)


def bearer(key: str) -> dict[str, str]:
    """The header that shows a key."""
    return {"Authorization": f"Bearer {key}"}


async def subaccount(api: Api, **fields: Any) -> Made:
    """A new subaccount of the workspace."""
    body = {"subaccount_name": "Branch", **fields}
    made = (await api.send("POST", "/v2/subaccounts", json=body))["response"]
    return Made(made["subaccount_id"], made["api_key"])


async def key(api: Api, **fields: Any) -> str:
    """A new key's text."""
    return str((await api.send("POST", "/trunkline/v1/keys", json=fields))["key"])
