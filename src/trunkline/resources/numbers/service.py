"""The rules of numbers."""

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from trunkline.errors import BadInput, Conflict, NotFound
from trunkline.platform.http.auth import Identity
from trunkline.platform.storage.secrets import SecretBox
from trunkline.resources.agents.repository import AgentRepository
from trunkline.resources.calls.phone import is_e164
from trunkline.resources.numbers.binding import Bindings
from trunkline.resources.numbers.models import Number
from trunkline.resources.numbers.repository import NumberRepository
from trunkline.resources.numbers.schemas import CustomNumberCreate, NumberUpdate
from trunkline.resources.numbers.trunk import FILLED_IN, trunk
from trunkline.resources.workspaces.limits import check_alive

PASSWORD_FIELD = "trunk_password"  # noqa: S105 - the name under which it is sealed
_PLAIN = ("friendly_name", "provider_name", "trunk_username", "uac_enabled", "uac_register_expires")


class Numbers:
    """The numbers of one workspace, within one transaction."""

    def __init__(self, session: AsyncSession, identity: Identity, secrets: SecretBox) -> None:
        self._session = session
        self._workspace = identity.workspace_id
        self._numbers = NumberRepository(session, self._workspace)
        self._agents = AgentRepository(session, self._workspace)
        self._bindings = Bindings(self._numbers, self._agents)
        self._secrets = secrets

    async def create(self, body: CustomNumberCreate) -> Number:
        """A new number on a SIP trunk.

        Raises:
            Forbidden: the workspace was deleted.
            BadInput: the number or its trunk is not as the provider needs it.
            Conflict: the number is there already.
        """
        await check_alive(self._session, self._workspace)
        provider = body.provider_name or "custom"
        written = body.phone_number
        if not (is_e164(written) or (provider in FILLED_IN and written)):
            raise BadInput(
                f"phone_number: '{written}' is no number in E.164; write it with its plus, such as +14155552671."
            )
        number = Number(number=written, slug=written.removeprefix("+"), provider_name=provider, extra={})
        number.uac_enabled, number.uac_register_expires = False, 300
        self._merge(number, body)
        if not await self._numbers.add(number):
            raise Conflict(f"phone_number: {written} is in use already.")
        await self._bind(number, body)
        return number

    async def update(self, slug: str, body: NumberUpdate) -> None:
        """Change what is sent, keep the rest.

        Raises:
            NotFound: no such number.
            BadInput: the outcome would not be what the provider needs, or the agent is unknown.
        """
        number = await self.get(slug, lock=True)
        self._merge(number, body)
        await self._bind(number, body)

    async def get(self, slug: str, *, lock: bool = False) -> Number:
        """One number, by slug or as it is written. Raises NotFound."""
        number = await self._numbers.find(slug, lock=lock)
        if number is None:
            raise NotFound(f"There is no number {slug}.")
        return number

    async def agents_of(self, number: Number) -> Sequence[UUID]:
        """The agents that a number serves, its inbound agent first."""
        return await self._numbers.agents_of(number)

    async def page(self, limit: int, offset: int, available: bool | None) -> tuple[list[Number], int]:
        """Numbers, newest first, and how many there are."""
        return await self._numbers.page(limit, offset, available)

    async def delete(self, slug: str) -> None:
        """Remove a number and take it from its agents. Raises NotFound."""
        number = await self.get(slug, lock=True)
        holders = await self._numbers.agents_of(number)
        await self._numbers.delete(number)
        for holder in holders:
            if agent := await self._agents.get(holder, lock=True):
                await self._bindings.show_own(agent)

    async def _bind(self, number: Number, body: NumberUpdate) -> None:
        if not body.agent_id:
            return
        agent = await self._agents.get(body.agent_id, lock=True)
        if agent is None:
            raise BadInput(f"agent_id: there is no agent {body.agent_id}.")
        await self._bindings.attach(number, agent, replace=True)

    def _merge(self, number: Number, body: NumberUpdate) -> None:
        for name in _PLAIN:
            if name in body.model_fields_set:
                setattr(number, name, getattr(body, name))
        if body.termination_uri is not None:
            way_out = trunk(body.termination_uri) if body.termination_uri else None
            number.termination_uri = way_out.host if way_out else None
            number.sip_transport = way_out.transport if way_out else None
        if body.sip_outbound_proxy is not None:
            number.sip_outbound_proxy = body.sip_outbound_proxy or None
        if body.sip_auth_username is not None:
            number.extra = {**number.extra, "sip_auth_username": body.sip_auth_username}
        if body.trunk_pwd is not None:
            number.trunk_password_encrypted = self._secrets.seal(
                self._workspace, PASSWORD_FIELD, body.trunk_pwd
            )
        number.termination_uri = number.termination_uri or FILLED_IN.get(number.provider_name)
        _check(number)


def _check(number: Number) -> None:
    if not number.termination_uri and number.provider_name not in FILLED_IN:
        raise BadInput(
            f"termination_uri is required for {number.provider_name}; send the SIP host of the trunk, such as sip.example.com."
        )
    if number.uac_enabled and not (number.trunk_username and number.trunk_password_encrypted):
        raise BadInput("uac_enabled needs trunk_username and trunk_pwd, to register with; send both.")
