"""Numbers that have a trunk, with how they stand at its registrar."""

from sqlalchemy import Select, func, select
from sqlalchemy.ext.asyncio import AsyncSession

from trunkline.platform.http.auth import Identity
from trunkline.resources.numbers.models import Number
from trunkline.resources.trunks.models import TrunkRegistration

Trunked = tuple[Number, TrunkRegistration | None]


class TrunkRepository:
    """The trunks of one workspace, within one transaction."""

    def __init__(self, session: AsyncSession, caller: Identity) -> None:
        self._session = session
        self._mine = Number.workspace_id == caller.workspace_id, Number.termination_uri.is_not(None)

    async def page(self, limit: int, offset: int) -> tuple[list[Trunked], int]:
        """Trunks, newest number first, and how many there are."""
        total = (await self._session.execute(select(func.count()).where(*self._mine))).scalar_one()
        query = self._query().order_by(Number.created_at.desc(), Number.id).limit(limit).offset(offset)
        return [(number, kept) for number, kept in await self._session.execute(query)], total

    async def find(self, text: str) -> Trunked | None:
        """The trunk of a number, by its slug or as it is written."""
        query = self._query().where((Number.slug == text) | (Number.number == text))
        row = (await self._session.execute(query)).first()
        return None if row is None else (row[0], row[1])

    def _query(self) -> Select[Number, TrunkRegistration | None]:
        same = (TrunkRegistration.workspace_id == Number.workspace_id) & (
            TrunkRegistration.number_id == Number.id
        )
        return select(Number, TrunkRegistration).outerjoin(TrunkRegistration, same).where(*self._mine)
