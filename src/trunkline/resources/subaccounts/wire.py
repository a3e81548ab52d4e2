"""How a subaccount's row is shown."""

from trunkline.platform.http.scopes import PERMISSIONS
from trunkline.resources.subaccounts.schemas import (
    Member,
    PricingTier,
    SubaccountChanged,
    SubaccountOut,
)
from trunkline.resources.workspaces.models import Workspace


def shown(subaccount: Workspace, minutes_used: int) -> SubaccountOut:
    """A subaccount as its parent sees it."""
    return SubaccountOut(
        subaccount_id=str(subaccount.id),
        agency_id=str(subaccount.parent_id),
        name=subaccount.name,
        pricing_tiers=[PricingTier(pricing_tier_id=tier) for tier in subaccount.pricing_tiers],
        permissions={str(name): name not in subaccount.revoked_permissions for name in PERMISSIONS},
        subscription=subaccount.subscription,
        minutes_used=minutes_used,
        max_minutes=subaccount.max_minutes,
        members=[Member.model_validate(member) for member in subaccount.members],
    )


def changed(subaccount: Workspace, invited: str | None) -> SubaccountChanged:
    """A subaccount after a change."""
    return SubaccountChanged(
        subaccount_id=str(subaccount.id),
        user_email=invited or first_email(subaccount),
        sign_in_link="",
    )


def first_email(subaccount: Workspace) -> str:
    """Of who was invited first; empty when nobody was."""
    return str(subaccount.members[0]["email"]) if subaccount.members else ""
