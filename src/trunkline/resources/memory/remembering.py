"""What is kept of a talk when it is over: in the store of its agent, of the contact it was held with.

The model thinks while no connection is held; what it found is written only onto the facts that it was shown. Whoever
comes second, another talk or the same one again, finds them changed: the other talk asks anew, the same one is done.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

import structlog
from sqlalchemy import ColumnElement, delete, insert, select
from sqlalchemy.dialects import postgresql
from sqlalchemy.ext.asyncio import AsyncSession

from trunkline.errors import Unavailable
from trunkline.platform.storage.database import Database
from trunkline.resources.contacts.matching import number_of
from trunkline.resources.contacts.models import Contact
from trunkline.resources.memory.extraction import extract
from trunkline.resources.memory.facts import Change, Fact, merged, rendered
from trunkline.resources.memory.models import Memory, MemoryFact, MemoryStoreAgent, MemoryTalk
from trunkline.resources.talks import Talk
from trunkline.voice.language.ports import LanguageModel

log = structlog.get_logger(__name__)

_ROUNDS = 5
"""Times that other talks of the same contact may come in between."""


@dataclass(frozen=True)
class _Place:
    """One contact in one store."""

    workspace_id: UUID
    store_id: UUID
    contact_id: UUID


async def remember(database: Database, model: LanguageModel, talk: Talk) -> None:
    """Take a talk into the memory of the contact it was held with; of a talk that was taken in nothing changes.

    Nothing is kept of who has no contact, of a contact that the agent's store does not hold, and of who said nothing.

    Raises:
        ProviderError: the language model failed; the talk may be remembered again.
        Unavailable: it, or the database, is away, or the memory changes all the time; likewise.
    """
    number = number_of(talk.other_party)
    if number is None or "\nhuman:" not in f"\n{talk.transcript}":
        return
    async with database.workspace(talk.workspace_id) as session:
        places = await _places(session, talk, number)
    for place in places:
        await _remember_in(place, database, model, talk)


async def forget_talk(session: AsyncSession, workspace_id: UUID, source: str) -> None:
    """Remove what was remembered of one call or chat, from every memory of the workspace."""
    memories = (
        select(Memory)
        .join(MemoryTalk, _of_memory(MemoryTalk))
        .where(MemoryTalk.workspace_id == workspace_id, MemoryTalk.source == source)
        .order_by(Memory.memory_store_id, Memory.contact_id)
    )
    for memory in (await session.scalars(memories.with_for_update(of=Memory))).all():
        place = _Place(workspace_id, memory.memory_store_id, memory.contact_id)
        await session.execute(delete(MemoryTalk).where(*_at(MemoryTalk, place), MemoryTalk.source == source))
        memory.memory = rendered(await _known(session, place))


async def _remember_in(place: _Place, database: Database, model: LanguageModel, talk: Talk) -> None:
    for _ in range(_ROUNDS):
        async with database.workspace(place.workspace_id) as session:
            if await _is_taken_in(session, place, talk):
                return
            known = await _known(session, place)
        found = await extract(model, talk, known)
        change = merged(known, found.facts, found.outdated, talk.began)
        async with database.workspace(place.workspace_id) as session:
            if await _write(session, place, talk, known, change):
                log.info("talk_remembered", talk=talk.id, new=len(change.new), gone=len(change.gone))
                return
    raise Unavailable(
        f"The memory that talk {talk.id} belongs to changes all the time; it is tried again later."
    )


async def _write(
    session: AsyncSession, place: _Place, talk: Talk, known: Sequence[Fact], change: Change
) -> bool:
    """Store what came of a talk; False, with nothing stored: other facts are known by now."""
    uses = select(MemoryStoreAgent.agent_id).where(
        MemoryStoreAgent.workspace_id == place.workspace_id,
        MemoryStoreAgent.memory_store_id == place.store_id,
        MemoryStoreAgent.agent_id == talk.agent_id,
    )
    memory = await session.scalar(
        select(Memory).where(*_at(Memory, place), uses.exists()).with_for_update(of=Memory)
    )
    if memory is None or await _is_taken_in(session, place, talk):
        return True
    if await _known(session, place) != known:
        return False
    row = {
        "workspace_id": place.workspace_id,
        "memory_store_id": place.store_id,
        "contact_id": place.contact_id,
        "source": talk.id,
    }
    taken = postgresql.insert(MemoryTalk).values(**row, upto=talk.upto)
    await session.execute(
        taken.on_conflict_do_update(index_elements=list(row), set_={"upto": taken.excluded.upto})
    )
    await session.execute(delete(MemoryFact).where(*_at(MemoryFact, place), MemoryFact.seq.in_(change.gone)))
    for text in change.new:
        await session.execute(insert(MemoryFact).values(**row, said_at=talk.began, text=text))
    memory.memory = rendered(change.facts)
    return True


async def _places(session: AsyncSession, talk: Talk, number: str) -> list[_Place]:
    """The memory of the contact with this number, in each store that the agent uses."""
    query = (
        select(Memory.memory_store_id, Memory.contact_id)
        .join(MemoryStoreAgent, MemoryStoreAgent.memory_store_id == Memory.memory_store_id)
        .join(Contact, Contact.id == Memory.contact_id)
        .where(
            Memory.workspace_id == talk.workspace_id,
            MemoryStoreAgent.agent_id == talk.agent_id,
            Contact.workspace_id == talk.workspace_id,
            Contact.phone_number == number,
        )
    )
    return [_Place(talk.workspace_id, *row) for row in await session.execute(query)]


async def _is_taken_in(session: AsyncSession, place: _Place, talk: Talk) -> bool:
    query = select(MemoryTalk.upto).where(*_at(MemoryTalk, place), MemoryTalk.source == talk.id)
    upto = await session.scalar(query)
    return upto is not None and upto >= talk.upto


async def _known(session: AsyncSession, place: _Place) -> list[Fact]:
    query = select(MemoryFact).where(*_at(MemoryFact, place)).order_by(MemoryFact.said_at, MemoryFact.seq)
    return [Fact(each.text, each.said_at, each.seq) for each in await session.scalars(query)]


def _at(rows: type[Memory | MemoryTalk | MemoryFact], place: _Place) -> tuple[ColumnElement[bool], ...]:
    return (
        rows.workspace_id == place.workspace_id,
        rows.memory_store_id == place.store_id,
        rows.contact_id == place.contact_id,
    )


def _of_memory(rows: type[MemoryTalk]) -> ColumnElement[bool]:
    return (rows.memory_store_id == Memory.memory_store_id) & (rows.contact_id == Memory.contact_id)
