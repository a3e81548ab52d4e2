"""Transfers as actions: what the model is offered, and that a call does them. Fulfils actions.work.Work."""

from collections.abc import Mapping
from typing import Any

from trunkline.resources.actions.work import Means, Occasion, Outcome, PlannedAction
from trunkline.resources.transfers.order import tool_of

__all__ = ["run", "tool_of"]


async def run(
    means: Means, action: PlannedAction, arguments: Mapping[str, Any], occasion: Occasion
) -> Outcome:
    """Hand the caller over; returns only when that failed, for afterwards there is nobody left to tell."""
    if means.transfer is None:
        error = "There is no line here that could be transferred."
        return Outcome({"error": error}, ok=False, error=error)
    return await means.transfer(action, arguments, occasion)
