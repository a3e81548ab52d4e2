"""Phone books in the database."""

from collections.abc import Collection, Mapping, Sequence
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession

from trunkline.resources.ids import as_uuid
from trunkline.resources.phone_books.models import PhoneBook, PhoneBookEntry


class PhoneBookRepository:
    """The phone books of one workspace, within one transaction."""

    def __init__(self, session: AsyncSession, workspace_id: UUID) -> None:
        self._session = session
        self._workspace = workspace_id

    async def add(self, book: PhoneBook) -> None:
        """Store a new book."""
        book.workspace_id = self._workspace
        self._session.add(book)
        await self._session.flush()

    async def get(self, book_id: str, *, lock: bool = False) -> PhoneBook | None:
        """A book."""
        id_ = as_uuid(book_id)
        if id_ is None:
            return None
        query = select(PhoneBook).where(PhoneBook.workspace_id == self._workspace, PhoneBook.id == id_)
        if lock:
            query = query.with_for_update()
        return (await self._session.execute(query)).scalar_one_or_none()

    async def page(self, limit: int, offset: int) -> tuple[Sequence[PhoneBook], int]:
        """Books, newest first, and how many there are."""
        mine = PhoneBook.workspace_id == self._workspace
        total = (await self._session.execute(select(func.count()).where(mine))).scalar_one()
        query = select(PhoneBook).where(mine).order_by(PhoneBook.created_at.desc(), PhoneBook.id)
        return (await self._session.execute(query.limit(limit).offset(offset))).scalars().all(), total

    async def sizes(self, books: Sequence[UUID]) -> Mapping[UUID, int]:
        """Book → how many entries it has; empty books are left out."""
        query = (
            select(PhoneBookEntry.phone_book_id, func.count())
            .where(PhoneBookEntry.workspace_id == self._workspace, PhoneBookEntry.phone_book_id.in_(books))
            .group_by(PhoneBookEntry.phone_book_id)
        )
        return dict((await self._session.execute(query)).all())

    async def delete(self, row: PhoneBook | PhoneBookEntry) -> None:
        """Remove a book with its entries, or one entry."""
        await self._session.delete(row)
        await self._session.flush()

    async def put_entry(self, entry: PhoneBookEntry) -> bool:
        """Store an entry, new or changed; False if its book has another one with its number."""
        entry.workspace_id = self._workspace
        try:
            async with self._session.begin_nested():
                self._session.add(entry)
        except IntegrityError:
            return False
        return True

    async def entry(self, entry_id: str) -> PhoneBookEntry | None:
        """An entry of any book, locked until the transaction ends."""
        id_ = as_uuid(entry_id)
        if id_ is None:
            return None
        query = select(PhoneBookEntry).where(
            PhoneBookEntry.workspace_id == self._workspace, PhoneBookEntry.id == id_
        )
        return (await self._session.execute(query.with_for_update())).scalar_one_or_none()

    async def all_entries(self, book_ids: Collection[UUID]) -> Mapping[UUID, Sequence[PhoneBookEntry]]:
        """Book → its entries, oldest first; books that are gone or empty are left out."""
        if not book_ids:
            return {}
        query = (
            select(PhoneBookEntry)
            .where(PhoneBookEntry.workspace_id == self._workspace, PhoneBookEntry.phone_book_id.in_(book_ids))
            .order_by(PhoneBookEntry.created_at, PhoneBookEntry.id)
        )
        found: dict[UUID, list[PhoneBookEntry]] = {}
        for entry in (await self._session.execute(query)).scalars():
            found.setdefault(entry.phone_book_id, []).append(entry)
        return found

    async def entries(self, book: PhoneBook, limit: int, offset: int) -> tuple[Sequence[PhoneBookEntry], int]:
        """A book's entries, newest first, and how many there are."""
        its = (PhoneBookEntry.workspace_id == self._workspace, PhoneBookEntry.phone_book_id == book.id)
        total = (await self._session.execute(select(func.count()).where(*its))).scalar_one()
        query = select(PhoneBookEntry).where(*its)
        query = query.order_by(PhoneBookEntry.created_at.desc(), PhoneBookEntry.id)
        return (await self._session.execute(query.limit(limit).offset(offset))).scalars().all(), total
