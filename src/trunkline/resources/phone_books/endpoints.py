"""`/v2/phonebooks`."""

from typing import Annotated

from fastapi import Depends

from trunkline.platform.http.context import Caller, Transaction, keyed_router
from trunkline.platform.http.pagination import Items, NumberedPage, WholePage, items_of
from trunkline.platform.http.scopes import Scope
from trunkline.platform.http.wire import Ok, StatusOnly, done, ok
from trunkline.resources.actions.repository import ActionRepository
from trunkline.resources.phone_books import wire
from trunkline.resources.phone_books.repository import PhoneBookRepository
from trunkline.resources.phone_books.schemas import BookCreate, BookOut, EntryOut, EntryWrite, Key
from trunkline.resources.phone_books.service import PhoneBooks

router = keyed_router("/v2/phonebooks", "Phone books", Scope.CONTACTS)


def _books(session: Transaction, caller: Caller) -> PhoneBooks:
    return PhoneBooks(
        PhoneBookRepository(session, caller.workspace_id), ActionRepository(session, caller.workspace_id)
    )


Service = Annotated[PhoneBooks, Depends(_books)]


@router.post("")
async def create_phone_book(body: BookCreate, books: Service) -> Ok[Key]:
    """Make an empty phone book."""
    return ok(Key(key=str((await books.create(body)).id)))


@router.get("")
async def list_phone_books(page: WholePage, books: Service) -> Ok[Items[BookOut]]:
    """The workspace's phone books, newest first, with the agents that use them."""
    found, total = await books.page(page.limit, page.offset)
    sizes, agents = await books.sizes(found), await books.agents_of(found)
    items = [wire.shown(book, sizes.get(book.id, 0), agents.get(book.id, [])) for book in found]
    return ok(items_of(items, total, page))


@router.delete("/{phone_book_id}")
async def delete_phone_book(phone_book_id: str, books: Service) -> StatusOnly:
    """Remove a phone book and its entries; one that a transfer chooses from stays."""
    await books.delete(phone_book_id)
    return done()


@router.post("/{phone_book_id}/entries")
async def create_phone_book_entry(phone_book_id: str, body: EntryWrite, books: Service) -> Ok[Key]:
    """Add a number, and when to transfer to it."""
    return ok(Key(key=str((await books.add_entry(phone_book_id, body)).id)))


@router.get("/{phone_book_id}/entries")
async def list_phone_book_entries(
    phone_book_id: str, page: NumberedPage, books: Service
) -> Ok[Items[EntryOut]]:
    """The entries of a phone book, newest first."""
    found, total = await books.entries(phone_book_id, page.limit, page.offset)
    return ok(items_of([wire.entry(row) for row in found], total, page))


@router.put("/{phone_book_id}/entries/{entry_id}")
async def update_phone_book_entry(
    phone_book_id: str, entry_id: str, body: EntryWrite, books: Service
) -> StatusOnly:
    """Change an entry."""
    await books.update_entry(phone_book_id, entry_id, body)
    return done()


@router.delete("/{phone_book_id}/entries/{entry_id}")
async def delete_phone_book_entry(phone_book_id: str, entry_id: str, books: Service) -> StatusOnly:
    """Remove an entry."""
    await books.delete_entry(phone_book_id, entry_id)
    return done()
