"""Contacts in the database."""

import re
from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import ColumnElement, func, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession

from trunkline.resources.contacts.models import Contact
from trunkline.resources.ids import as_uuid

_BEGINNING = re.compile(r"\+[0-9]{0,15}")
_LONGEST = 16
"""Characters of a number in E.164, its plus included."""


class ContactRepository:
    """The contacts of one workspace, within one transaction."""

    def __init__(self, session: AsyncSession, workspace_id: UUID) -> None:
        self._session = session
        self._workspace = workspace_id

    async def put(self, contact: Contact) -> bool:
        """Store a contact, new or changed; False if the workspace has another one with its number."""
        contact.workspace_id = self._workspace
        try:
            async with self._session.begin_nested():
                self._session.add(contact)
        except IntegrityError:
            return False
        return True

    async def get(self, contact_id: str, *, lock: bool = False) -> Contact | None:
        """A contact."""
        id_ = as_uuid(contact_id)
        if id_ is None:
            return None
        query = select(Contact).where(Contact.workspace_id == self._workspace, Contact.id == id_)
        if lock:
            query = query.with_for_update()
        return (await self._session.execute(query)).scalar_one_or_none()

    async def page(self, limit: int, offset: int, number: str | None) -> tuple[Sequence[Contact], int]:
        """Contacts whose number holds `number`, newest first, and how many there are."""
        wanted: list[ColumnElement[bool]] = [Contact.workspace_id == self._workspace]
        if number is not None:
            wanted.append(_holds(number))
        total = (await self._session.execute(select(func.count()).where(*wanted))).scalar_one()
        query = select(Contact).where(*wanted).order_by(Contact.created_at.desc(), Contact.id)
        rows = await self._session.execute(query.limit(limit).offset(offset))
        return rows.scalars().all(), total

    async def delete(self, contact: Contact) -> None:
        """Remove a contact, and with it all that is remembered of it."""
        await self._session.delete(contact)
        await self._session.flush()


def _holds(number: str) -> ColumnElement[bool]:
    """Numbers that hold this text.

    With its plus it can only be where a number begins: a range of the index. Under row-level security no index serves
    LIKE, whose operator might tell of rows that are not shown; what is sought without a plus is looked for in all of
    the workspace's contacts.
    """
    if not _BEGINNING.fullmatch(number):
        return Contact.phone_number.contains(number, autoescape=True)
    return Contact.phone_number.between(number, number.ljust(_LONGEST, "9"))
