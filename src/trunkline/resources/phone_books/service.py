"""The rules of phone books."""

from collections.abc import Mapping, Sequence
from uuid import UUID

from trunkline.errors import BadInput, Conflict, NotFound
from trunkline.resources.actions.repository import ActionRepository
from trunkline.resources.phone_books.models import PhoneBook, PhoneBookEntry
from trunkline.resources.phone_books.repository import PhoneBookRepository
from trunkline.resources.phone_books.schemas import BookCreate, EntryWrite


class PhoneBooks:
    """The phone books of one workspace, within one transaction."""

    def __init__(self, books: PhoneBookRepository, actions: ActionRepository) -> None:
        self._books = books
        self._actions = actions

    async def create(self, body: BookCreate) -> PhoneBook:
        """A new, empty book."""
        book = PhoneBook(name=body.name)
        await self._books.add(book)
        return book

    async def get(self, book_id: str, *, lock: bool = False) -> PhoneBook:
        """One book. Raises NotFound."""
        book = await self._books.get(book_id, lock=lock)
        if book is None:
            raise NotFound(f"There is no phone book {book_id}.")
        return book

    async def page(self, limit: int, offset: int) -> tuple[Sequence[PhoneBook], int]:
        """Books, newest first, and how many there are."""
        return await self._books.page(limit, offset)

    async def sizes(self, books: Sequence[PhoneBook]) -> Mapping[UUID, int]:
        """Book → how many entries it has; empty books are left out."""
        return await self._books.sizes([book.id for book in books])

    async def agents_of(self, books: Sequence[PhoneBook]) -> Mapping[UUID, Sequence[UUID]]:
        """Book → the agents whose transfers choose from it."""
        return await self._actions.agents_of_phone_books([book.id for book in books])

    async def delete(self, book_id: str) -> None:
        """Remove a book and its entries.

        Raises:
            NotFound: no such book.
            Conflict: a transfer chooses from it; in a call, it would lead nowhere.
        """
        book = await self.get(book_id, lock=True)
        if names := await self._actions.names_choosing_from(book.id):
            raise Conflict(
                f"phone_book_id: transfers choose from this phone book ({', '.join(names[:5])}); "
                "change or delete these actions first."
            )
        await self._books.delete(book)

    async def add_entry(self, book_id: str, body: EntryWrite) -> PhoneBookEntry:
        """A new entry.

        Raises:
            NotFound: no such book.
            Conflict: the book has this number already.
        """
        book = await self.get(book_id, lock=True)
        entry = PhoneBookEntry(phone_book_id=book.id)
        await self._write(entry, body)
        return entry

    async def entries(self, book_id: str, limit: int, offset: int) -> tuple[Sequence[PhoneBookEntry], int]:
        """A book's entries, newest first, and how many there are. Raises NotFound."""
        return await self._books.entries(await self.get(book_id), limit, offset)

    async def update_entry(self, book_id: str, entry_id: str, body: EntryWrite) -> None:
        """Change an entry.

        Raises:
            NotFound: no such book or entry.
            BadInput: the entry is another book's.
            Conflict: another entry of the book has this number.
        """
        await self._write(await self._entry(book_id, entry_id), body)

    async def delete_entry(self, book_id: str, entry_id: str) -> None:
        """Remove an entry.

        Raises:
            NotFound: no such book or entry.
            BadInput: the entry is another book's.
        """
        await self._books.delete(await self._entry(book_id, entry_id))

    async def _entry(self, book_id: str, entry_id: str) -> PhoneBookEntry:
        book = await self.get(book_id)
        entry = await self._books.entry(entry_id)
        if entry is None:
            raise NotFound(f"There is no phone-book entry {entry_id}.")
        if entry.phone_book_id != book.id:
            raise BadInput(
                f"entry_id: {entry_id} is an entry of phone book {entry.phone_book_id}; name that book in the path."
            )
        return entry

    async def _write(self, entry: PhoneBookEntry, body: EntryWrite) -> None:
        entry.phone_number = body.phone_number
        entry.transfer_condition = body.transfer_condition
        if not await self._books.put_entry(entry):
            raise Conflict(
                f"phone_number: the phone book has {body.phone_number} already; change that entry instead."
            )
