"""Workspaces, their keys and their secrets on the wire."""

from datetime import UTC, datetime
from typing import Annotated

from pydantic import AfterValidator, Field, StringConstraints

from trunkline.platform.http.scopes import KNOWN
from trunkline.platform.http.wire import Wire, WireInput, example
from trunkline.resources.workspaces.secrets import Name


class WorkspaceOut(Wire):
    """The workspace that a key belongs to."""

    id: str
    name: str


def _zoned(value: datetime) -> datetime:
    return value if value.tzinfo else value.replace(tzinfo=UTC)


class KeyCreate(WireInput):
    """A key to be made. It can do no more, and live no longer, than the key that makes it."""

    model_config = example(name="dashboard", scopes=["calls", "contacts:read"])

    name: Annotated[str, Field(max_length=100)] = ""
    scopes: list[Annotated[str, Field(json_schema_extra={"enum": [*KNOWN]})]] | None = None
    """Left out: everything that the key that makes it may do."""
    expires_at: Annotated[datetime, AfterValidator(_zoned)] | None = None
    """ISO; without a zone it is UTC. Left out: never, or with the key that makes it."""
    workspace_id: str | None = None
    """The key's own workspace (left out), or a subaccount of it."""


class KeyOut(Wire):
    """A key, without its text."""

    id: str
    name: str
    workspace_id: str
    scopes: list[str] | None
    """null: everything."""
    created_at: datetime
    expires_at: datetime | None
    revoked_at: datetime | None
    last_used_at: datetime | None
    """Noted every half minute."""


class KeyMade(KeyOut):
    """A new key; its text is shown this once."""

    key: str


Text = Annotated[
    str, StringConstraints(strip_whitespace=True, min_length=1, max_length=4000, pattern=r"^[\x21-\x7e]+$")
]
"""Printable characters without blanks."""


class ServiceKey(WireInput):
    """The key of a service that wants nothing else."""

    model_config = example(api_key="secret")

    api_key: Text


class GhlAccount(ServiceKey):
    """A private integration of GoHighLevel, and the location whose calendars it may use."""

    model_config = example(api_key="secret", location_id="ve9EPM428h8vShlRW1KT")

    location_id: Text | None = None


class TwilioAccount(WireInput):
    """An account of Twilio."""

    model_config = example(
        account_sid="AC0123456789abcdef0123456789abcdef",
        auth_token="0123456789abcdef0123456789abcdef",  # noqa: S106 - nobody's
    )

    account_sid: Annotated[str, Field(pattern=r"^AC[0-9a-fA-F]{32}$")]
    auth_token: Text


class SecretOut(Wire):
    """Whether a secret is set; its value is never shown."""

    name: Name
    set: bool
    updated_at: datetime | None


class SecretList(Wire):
    """Every secret that a workspace may set."""

    secrets: list[SecretOut]
