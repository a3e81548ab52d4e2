"""Subaccounts on the wire."""

from typing import Annotated, ClassVar, Literal

from pydantic import AfterValidator, AliasChoices, Field, StringConstraints

from trunkline.platform.http.scopes import PERMISSIONS
from trunkline.platform.http.wire import Wire, WireInput, example
from trunkline.resources.workspaces.schemas import Text

LARGEST = 2**31 - 1
MOST_MOVED = 1000


def _permission(value: str) -> str:
    if value not in PERMISSIONS:
        raise ValueError(f"{value!r} is no permission; use {', '.join(PERMISSIONS)}")
    return value


def _each_once(values: list[str]) -> list[str]:
    for value in values:
        if values.count(value) > 1:
            raise ValueError(f"{value} is there twice; name each permission once")
    return values


Email = Annotated[str, StringConstraints(strip_whitespace=True, max_length=320, pattern=r"^[^\s@]+@[^\s@]+$")]
Permissions = Annotated[
    list[Annotated[str, AfterValidator(_permission), Field(json_schema_extra={"enum": [*PERMISSIONS]})]],
    Field(max_length=len(PERMISSIONS) * 2, json_schema_extra={"uniqueItems": True}),
    AfterValidator(_each_once),
]
Limit = Annotated[int, Field(ge=0, le=LARGEST)]


class PricingTier(WireInput):
    """Kept and shown; nothing is billed."""

    pricing_tier_id: Annotated[str, Field(min_length=1, max_length=200)]


class Subscription(WireInput):
    """Kept and shown; nothing is billed."""

    stripe_subscription_id: Annotated[str, Field(max_length=200)] | None = None
    synthflow_price_id: Annotated[str, Field(max_length=200)] | None = None


class MovedNumber(WireInput):
    """A number in E.164, with its plus."""

    number: str


class Products(WireInput):
    """What moves between a parent and its subaccount: all of it or nothing."""

    phone_numbers: Annotated[list[MovedNumber], Field(min_length=1, max_length=MOST_MOVED)]


class SubaccountWrite(WireInput):
    """What may be set and changed of a subaccount; a `max_…` of null is no limit."""

    clearable: ClassVar[frozenset[str]] = frozenset({"max_agents", "max_minutes", "max_workflow_runs"})

    subaccount_name: Annotated[str, Field(min_length=1, max_length=200)] | None = None
    user_email: Annotated[
        Email | None, Field(validation_alias=AliasChoices("invite_user_email", "user_email"))
    ] = None
    """Who is invited; also sent as invite_user_email."""
    twilio_account_sid: Annotated[str, Field(pattern=r"^AC[0-9a-fA-F]{32}$")] | None = None
    twilio_auth_token: Text | None = None
    concurrency: Annotated[int, Field(ge=1, le=LARGEST)] | None = None
    """Calls at once, within the parent's pool."""
    max_agents: Limit | None = None
    max_minutes: Limit | None = None
    max_workflow_runs: Limit | None = None
    grant_permissions: Permissions = Field(default_factory=list)
    revoke_permissions: Permissions = Field(default_factory=list)
    pricing_tiers_attach: Annotated[list[PricingTier], Field(max_length=100)] = Field(default_factory=list)
    import_subscription: Subscription | None = None


class SubaccountUpdate(SubaccountWrite):
    """What is to be changed; what is left out stays."""

    model_config = example(operation_type="import", products={"phone_numbers": [{"number": "+14155550100"}]})

    pricing_tiers_detach: Annotated[list[PricingTier], Field(max_length=100)] = Field(default_factory=list)
    operation_type: Literal["import", "return"] | None = None
    """`import`: the parent's numbers go to the subaccount; `return`: they come back."""
    products: Products | None = None


class SubaccountCreate(SubaccountWrite):
    """A new subaccount: it may do everything but what is revoked."""

    model_config = example(
        subaccount_name="Branch",
        user_email="branch@example.com",
        concurrency=5,
        grant_permissions=["chat", "contacts"],
    )

    subaccount_name: Annotated[str, Field(min_length=1, max_length=200)]
    user_email: Annotated[
        Email | None, Field(validation_alias=AliasChoices("user_email", "invite_user_email"))
    ] = None


class SubaccountMade(Wire):
    """A new subaccount. Its key is shown this once."""

    subaccount_id: str
    api_key: str
    user_email: str
    sign_in_link: str
    """Empty: people cannot sign in yet."""
    twilio_connected_successfully: bool


class SubaccountChanged(Wire):
    """A changed subaccount. Its keys are kept as hashes only, so none can be shown."""

    subaccount_id: str
    api_key: None = None
    user_email: str
    sign_in_link: str


class Member(Wire):
    """Somebody who was invited."""

    email: str
    status: str


class SubaccountOut(Wire):
    """A subaccount."""

    subaccount_id: str
    agency_id: str
    name: str
    pricing_tiers: list[PricingTier]
    permissions: dict[str, bool]
    subscription: dict[str, str]
    minutes_used: int
    max_minutes: int | None
    members: list[Member]


class Subaccounts(Wire):
    """Subaccounts, newest first."""

    subaccounts: list[SubaccountOut]


class SubaccountList(Wire):
    """The success envelope of this noun, which says `success`."""

    status: Literal["success"]
    response: Subaccounts
