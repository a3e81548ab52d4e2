"""What a voice host asks of the database while it keeps registrations. Every method raises Unavailable while that is away."""

from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

from sqlalchemy import func, select, text, update
from sqlalchemy.ext.asyncio import AsyncSession

from trunkline.errors import SetupError
from trunkline.platform.storage.database import Database
from trunkline.platform.storage.system import FRESH_S
from trunkline.resources.calls.plan import Secrets
from trunkline.resources.numbers.models import Number
from trunkline.resources.numbers.service import PASSWORD_FIELD
from trunkline.resources.numbers.trunk import trunk
from trunkline.resources.trunks.models import TrunkRegistration
from trunkline.voice.lines.registration import Registration, RegistrationState, Standing

_CLAIM = text("""
    INSERT INTO trunk_registrations AS held (workspace_id, number_id, host_id, state)
    SELECT number.workspace_id, number.id, :host, :state
    FROM numbers number
    LEFT JOIN trunk_registrations known ON known.workspace_id = number.workspace_id AND known.number_id = number.id
    LEFT JOIN nodes keeper ON keeper.id = known.host_id AND NOT keeper.draining AND keeper.seen_at > now() - CAST(:fresh AS interval)
    WHERE number.uac_enabled AND keeper.id IS NULL
    ON CONFLICT (workspace_id, number_id) DO UPDATE
    SET host_id = :host, state = :state, code = NULL, reason = '', changed_at = now()
    WHERE NOT EXISTS (
        SELECT 1 FROM nodes keeper
        WHERE keeper.id = held.host_id AND NOT keeper.draining AND keeper.seen_at > now() - CAST(:fresh AS interval)
    )
""")
"""Only what nobody keeps is touched; of two hosts that come at once the second finds the first one's name."""


@dataclass(frozen=True)
class Claim:
    """A registration that is this host's to keep."""

    number_id: UUID
    registration: Registration | None
    problem: str = ""
    """Why there is nothing to register with, when there is no registration."""


class TrunkClaims:
    """The registrations of one voice process."""

    def __init__(self, database: Database, secret_box: Secrets) -> None:
        self._database = database
        self._secrets = secret_box

    async def claim(self, host: UUID) -> list[Claim]:
        """Take what no living host keeps; everything that is this host's to keep, as its settings are now."""
        fresh = timedelta(seconds=FRESH_S)
        async with self._database.system() as session:
            values = {"host": str(host), "state": RegistrationState.REGISTERING.value, "fresh": fresh}
            await session.execute(_CLAIM, values)
            query = (
                select(Number)
                .join(
                    TrunkRegistration,
                    (TrunkRegistration.workspace_id == Number.workspace_id)
                    & (TrunkRegistration.number_id == Number.id),
                )
                .where(TrunkRegistration.host_id == str(host), Number.uac_enabled)
                .order_by(Number.id)
            )
            return [self._claim(number) for number in await session.scalars(query)]

    async def report(self, host: UUID, number_id: UUID, standing: Standing) -> None:
        """How a registration of this host stands; nothing happens when it is another's by now."""
        values = {"state": standing.state.value, "code": standing.code, "reason": standing.reason}
        async with self._database.system() as session:
            await _write(session, host, number_id, {**values, "changed_at": func.now()})

    async def release(self, host: UUID, number_id: UUID) -> None:
        """This host keeps it no more."""
        values = {"host_id": None, "state": RegistrationState.UNREGISTERED.value, "code": None, "reason": ""}
        async with self._database.system() as session:
            await _write(session, host, number_id, {**values, "changed_at": func.now()})

    def _claim(self, number: Number) -> Claim:
        try:
            return Claim(number.id, registration_of(number, self._secrets))
        except SetupError as error:
            return Claim(number.id, None, str(error))


def registration_of(number: Number, secrets: Secrets) -> Registration:
    """What a number is registered with.

    Raises:
        SetupError: it lacks a SIP host, a name or a password, or the password cannot be read.
    """
    sealed = number.trunk_password_encrypted
    if not (number.termination_uri and number.trunk_username and sealed):
        raise SetupError("The number lacks a termination_uri, trunk_username or trunk_pwd; set them.")
    proxy = trunk(number.sip_outbound_proxy) if number.sip_outbound_proxy else None
    return Registration(
        number=number.number,
        domain=number.termination_uri,
        username=number.trunk_username,
        password=secrets.open(number.workspace_id, PASSWORD_FIELD, sealed),
        auth_username=number.extra.get("sip_auth_username") or "",
        proxy=str(proxy) if proxy else "",
        transport=(proxy.transport if proxy else None) or number.sip_transport or "udp",
        expires=number.uac_register_expires,
    )


async def _write(session: AsyncSession, host: UUID, number_id: UUID, values: dict[str, object]) -> None:
    mine = TrunkRegistration.host_id == str(host), TrunkRegistration.number_id == number_id
    await session.execute(update(TrunkRegistration).where(*mine).values(values))
