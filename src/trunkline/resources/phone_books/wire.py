"""How phone books and their entries are shown."""

from collections.abc import Sequence
from uuid import UUID

from trunkline.resources.phone_books.models import PhoneBook, PhoneBookEntry
from trunkline.resources.phone_books.schemas import BookOut, EntryOut


def shown(book: PhoneBook, entries: int, agents: Sequence[UUID]) -> BookOut:
    """A book with the number of its entries and the agents that use it."""
    return BookOut(
        phone_book_id=str(book.id),
        workspace_id=str(book.workspace_id),
        name=book.name,
        entry_count=entries,
        agents=[str(agent) for agent in agents],
    )


def entry(row: PhoneBookEntry) -> EntryOut:
    """An entry."""
    return EntryOut(id=str(row.id), phone_number=row.phone_number, transfer_condition=row.transfer_condition)
