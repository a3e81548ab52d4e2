"""The rules of subaccounts."""

from collections.abc import Iterable, Sequence
from uuid import UUID, uuid4

from sqlalchemy.ext.asyncio import AsyncSession

from trunkline.errors import BadInput, Forbidden, NotFound
from trunkline.platform.http.auth import Identity
from trunkline.platform.http.context import Platform
from trunkline.platform.http.scopes import PERMISSIONS, Scope
from trunkline.resources.calls.closing import end_call
from trunkline.resources.calls.status import CallStatus
from trunkline.resources.subaccounts import moves, twilio
from trunkline.resources.subaccounts.repository import SubaccountRepository
from trunkline.resources.subaccounts.schemas import (
    PricingTier,
    SubaccountCreate,
    SubaccountUpdate,
    SubaccountWrite,
)
from trunkline.resources.workspaces import repository as workspaces
from trunkline.resources.workspaces import secrets
from trunkline.resources.workspaces.keys import given
from trunkline.resources.workspaces.limits import minutes_used
from trunkline.resources.workspaces.models import Workspace
from trunkline.resources.workspaces.service import key_row, new_key

_PLAIN = ("concurrency", "max_agents", "max_minutes", "max_workflow_runs")
INVITED = "invited"


class Subaccounts:
    """The subaccounts of the caller's workspace. Each method is one transaction of the system role."""

    def __init__(self, parts: Platform, caller: Identity) -> None:
        self._database = parts.database
        self._secrets = parts.secrets
        self._authenticator = parts.authenticator
        self._outbound = parts.outbound
        self._caller = caller

    async def create(self, body: SubaccountCreate) -> tuple[Workspace, str, bool]:
        """A new subaccount, the text of its key, and whether its Twilio account answers.

        The key can do what the key that makes it can, and lives as long.

        Raises:
            BadInput: what was sent contradicts itself.
            Forbidden: the caller is a subaccount itself, which has none.
        """
        if self._caller.parent_id is not None:
            raise Forbidden("A subaccount cannot have subaccounts; make them with a key of the parent.")
        _check(body)
        scopes, expires_at = given(self._caller, None, None)
        connected = await self._twilio_answers(body)
        key = new_key()
        subaccount = Workspace(id=uuid4(), name=body.subaccount_name)
        _merge(subaccount, body)
        async with self._database.system() as session:
            await SubaccountRepository(session, self._caller.workspace_id).add(subaccount)
            row = key_row(
                subaccount.id, "subaccount", key, self._secrets, scopes=scopes, expires_at=expires_at
            )
            await workspaces.add_key(session, row)
            await self._keep_twilio(session, subaccount.id, body)
        return subaccount, key, connected

    async def update(self, subaccount_id: str, body: SubaccountUpdate) -> Workspace:
        """Change what is sent, keep the rest; numbers move in the same transaction.

        Raises:
            NotFound: no such subaccount.
            BadInput: what was sent contradicts itself, or a number cannot be moved; nothing is changed.
            Forbidden: numbers are to be moved, and the key lacks the scope for them.
        """
        _check(body)
        if (body.operation_type is None) != (body.products is None):
            raise BadInput("operation_type and products belong together; send both or neither.")
        if body.products is not None:
            self._caller.require(Scope.PHONE_NUMBERS, write=True)
        async with self._database.system() as session:
            subaccount = await self._held(session, subaccount_id)
            _merge(subaccount, body, body.pricing_tiers_detach)
            await self._keep_twilio(session, subaccount.id, body)
            if body.products is not None:
                giver, taker = self._caller.workspace_id, subaccount.id
                if body.operation_type == "return":
                    giver, taker = taker, giver
                numbers = [moved.number.strip() for moved in body.products.phone_numbers]
                await moves.move(session, self._secrets, giver, taker, numbers)
        self._authenticator.forget_workspace(subaccount.id)
        return subaccount

    async def get(self, subaccount_id: str) -> tuple[Workspace, int]:
        """A subaccount and the minutes that it has used. Raises NotFound."""
        async with self._database.system() as session:
            found = await SubaccountRepository(session, self._caller.workspace_id).get(subaccount_id)
            if found is None:
                raise _unknown(subaccount_id)
            return found, (await minutes_used(session, [found.id]))[found.id]

    async def page(self, limit: int, offset: int) -> Sequence[tuple[Workspace, int]]:
        """Subaccounts, newest first, each with the minutes that it has used."""
        async with self._database.system() as session:
            found = await SubaccountRepository(session, self._caller.workspace_id).page(limit, offset)
            minutes = await minutes_used(session, [each.id for each in found])
            return [(each, minutes[each.id]) for each in found]

    async def delete(self, subaccount_id: str) -> None:
        """Take a subaccount out of use.

        Its numbers leave its agents and come back to the parent; its keys are revoked, its secrets removed; calls
        that wait are canceled, those that ring or are under way go on to their end.

        Raises:
            NotFound: no such subaccount.
        """
        parent = self._caller.workspace_id
        async with self._database.system() as session:
            repository = SubaccountRepository(session, parent)
            subaccount = await self._held(session, subaccount_id)
            for call in await repository.waiting_calls(subaccount):
                await end_call(session, call, CallStatus.CANCELED)
            await moves.return_all(session, self._secrets, subaccount.id, parent)
            await secrets.remove(session, subaccount.id)
            await repository.close(subaccount)
        self._authenticator.forget_workspace(subaccount.id)

    async def _held(self, session: AsyncSession, subaccount_id: str) -> Workspace:
        repository = SubaccountRepository(session, self._caller.workspace_id)
        subaccount = await repository.get(subaccount_id, lock=True)
        if subaccount is None:
            raise _unknown(subaccount_id)
        return subaccount

    async def _keep_twilio(self, session: AsyncSession, workspace_id: UUID, body: SubaccountWrite) -> None:
        if body.twilio_account_sid is not None and body.twilio_auth_token is not None:
            account = {"account_sid": body.twilio_account_sid, "auth_token": body.twilio_auth_token}
            await secrets.store(session, self._secrets, workspace_id, "twilio", account)

    async def _twilio_answers(self, body: SubaccountCreate) -> bool:
        if body.twilio_account_sid is None or body.twilio_auth_token is None:
            return False
        return await twilio.is_connected(self._outbound, body.twilio_account_sid, body.twilio_auth_token)


def _unknown(subaccount_id: str) -> NotFound:
    return NotFound(f"There is no subaccount {subaccount_id}.")


def _check(body: SubaccountWrite) -> None:
    if both := set(body.grant_permissions) & set(body.revoke_permissions):
        raise BadInput(
            f"grant_permissions and revoke_permissions both name {min(both)}; name it in one of them."
        )
    if (body.twilio_account_sid is None) != (body.twilio_auth_token is None):
        raise BadInput("twilio_account_sid and twilio_auth_token belong together; send both.")


def _merge(subaccount: Workspace, body: SubaccountWrite, detached: Sequence[PricingTier] = ()) -> None:
    if body.subaccount_name is not None:
        subaccount.name = body.subaccount_name
    for name in _PLAIN:
        if name in body.model_fields_set:
            setattr(subaccount, name, getattr(body, name))
    revoked = {*(subaccount.revoked_permissions or ()), *body.revoke_permissions}
    subaccount.revoked_permissions = _in_order(revoked - set(body.grant_permissions))
    tiers = [*(subaccount.pricing_tiers or ()), *(tier.pricing_tier_id for tier in body.pricing_tiers_attach)]
    gone = {tier.pricing_tier_id for tier in detached}
    subaccount.pricing_tiers = [tier for tier in dict.fromkeys(tiers) if tier not in gone]
    if body.import_subscription is not None:
        subaccount.subscription = body.import_subscription.model_dump(exclude_none=True)
    members = list(subaccount.members or ())
    if body.user_email and all(member["email"] != body.user_email for member in members):
        members.append({"email": body.user_email, "status": INVITED})
    subaccount.members = members


def _in_order(permissions: Iterable[str]) -> list[str]:
    wanted = set(permissions)
    return [str(permission) for permission in PERMISSIONS if permission in wanted]
