"""Moves of phone numbers between a parent and its subaccount: all of them or none."""

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from trunkline.errors import BadInput
from trunkline.platform.storage import system
from trunkline.platform.storage.secrets import SecretBox
from trunkline.platform.storage.system import HeldNumber
from trunkline.resources.calls.phone import is_e164
from trunkline.resources.numbers.service import PASSWORD_FIELD


async def move(
    session: AsyncSession, box: SecretBox, giver: UUID, taker: UUID, numbers: Sequence[str]
) -> None:
    """Move numbers from one workspace to the other. System role.

    Raises:
        BadInput: one is not in E.164, is not the giver's, or serves an agent; the text names it. Nothing is moved.
    """
    for number in numbers:
        if not is_e164(number):
            raise BadInput(
                f"products.phone_numbers: '{number}' is no number in E.164; write it with its plus, "
                "such as +14155552671. No number was moved."
            )
    held = {number.number: number for number in await system.hold_numbers(session, giver, numbers)}
    for number in numbers:
        if number not in held:
            raise BadInput(
                f"products.phone_numbers: {number} is not a number of the workspace that gives it. No number was moved."
            )
        if (agent := held[number].agent_id) is not None:
            raise BadInput(
                f"products.phone_numbers: {number} serves the agent {agent}; detach it there first. No number was moved."
            )
    await _hand_over(session, box, giver, taker, list(held.values()))


async def return_all(session: AsyncSession, box: SecretBox, giver: UUID, taker: UUID) -> None:
    """Take every number of a workspace from its agents and give it to the other. System role.

    Raises:
        BadInput: the taker has an identifier that reads like one of them.
    """
    numbers = await system.detach_numbers(session, giver)
    await _hand_over(session, box, giver, taker, await system.hold_numbers(session, giver, numbers))


async def _hand_over(
    session: AsyncSession, box: SecretBox, giver: UUID, taker: UUID, held: Sequence[HeldNumber]
) -> None:
    for number in held:
        sealed = number.sealed_password
        if sealed is not None:  # it opens for its own workspace only
            sealed = box.seal(taker, PASSWORD_FIELD, box.open(giver, PASSWORD_FIELD, sealed))
        if not await system.move_number(session, number, taker, sealed):
            raise BadInput(
                f"The receiving workspace has an identifier that reads like {number.number}; delete one of them. "
                "No number was moved."
            )
