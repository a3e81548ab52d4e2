"""Actions and their attachments in the database."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import UTC, datetime
from uuid import UUID

from sqlalchemy import ColumnElement, delete, exists, func, select, update
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import defer

from trunkline.resources.actions.models import Action, AgentAction
from trunkline.resources.ids import as_uuid


class ActionRepository:
    """The actions of one workspace, within one transaction."""

    def __init__(self, session: AsyncSession, workspace_id: UUID) -> None:
        self._session = session
        self._workspace = workspace_id

    async def add(self, action: Action) -> None:
        """Store a new action."""
        action.workspace_id = self._workspace
        self._session.add(action)
        await self._session.flush()

    async def get(self, action_id: str, *, lock: bool = False) -> Action | None:
        """An action."""
        id_ = as_uuid(action_id)
        if id_ is None:
            return None
        query = select(Action).where(*self._mine(), Action.id == id_)
        if lock:
            query = query.with_for_update()
        return (await self._session.execute(query)).scalar_one_or_none()

    async def named(self, name: str) -> Sequence[Action]:
        """Up to two actions of this name."""
        query = select(Action).where(*self._mine(), Action.name == name)
        return (await self._session.execute(query.limit(2))).scalars().all()

    async def page(self, limit: int, offset: int) -> tuple[Sequence[Action], int]:
        """Actions, newest first, and how many there are."""
        total = (
            await self._session.execute(select(func.count()).select_from(Action).where(*self._mine()))
        ).scalar_one()
        query = select(Action).where(*self._mine()).order_by(Action.created_at.desc(), Action.id)
        query = query.limit(limit).offset(offset).options(defer(Action.secrets_encrypted))
        return (await self._session.execute(query)).scalars().all(), total

    async def delete(self, action: Action) -> None:
        """Take an action away, from its agents too."""
        await self._session.execute(
            delete(AgentAction).where(
                AgentAction.workspace_id == self._workspace, AgentAction.action_id == action.id
            )
        )
        action.deleted_at = datetime.now(UTC)
        await self._session.flush()

    async def delete_unused(self, action_ids: Collection[UUID]) -> None:
        """Take away those of these actions that were made inline and that no agent has any more."""
        used = exists().where(AgentAction.workspace_id == self._workspace, AgentAction.action_id == Action.id)
        await self._session.execute(
            update(Action)
            .where(*self._mine(), Action.id.in_(action_ids), Action.inline, ~used)
            .values(deleted_at=func.now())
        )

    async def revive(self, action_ids: Collection[UUID]) -> None:
        """Bring back those of these actions that were made inline and then taken away as unused."""
        mine = Action.workspace_id == self._workspace, Action.id.in_(action_ids), Action.inline
        await self._session.execute(update(Action).where(*mine).values(deleted_at=None))

    async def living(self, action_ids: Collection[UUID]) -> set[UUID]:
        """Those of these actions that are there."""
        query = select(Action.id).where(*self._mine(), Action.id.in_(action_ids))
        return set(await self._session.scalars(query))

    async def those(self, action_ids: Iterable[UUID]) -> dict[UUID, Action]:
        """Those of these actions that are there, by id."""
        query = select(Action).where(*self._mine(), Action.id.in_(list(action_ids)))
        return {action.id: action for action in await self._session.scalars(query)}

    # ---- attachments -----------------------------------------------------------------------------------

    async def of_agent(self, agent_id: UUID) -> list[tuple[Action, AgentAction]]:
        """What an agent has, in its order."""
        query = (
            select(Action, AgentAction)
            .join(AgentAction, AgentAction.action_id == Action.id)
            .where(*self._mine(), AgentAction.workspace_id == self._workspace)
            .where(AgentAction.agent_id == agent_id)
            .order_by(AgentAction.position, AgentAction.action_id)
        )
        return [(action, attached) for action, attached in await self._session.execute(query)]

    async def ids_of_agents(self, agent_ids: Collection[UUID]) -> Mapping[UUID, list[UUID]]:
        """Agent → the ids of its actions, in their order; empty for an agent without."""
        query = (
            select(AgentAction.agent_id, AgentAction.action_id)
            .join(Action, Action.id == AgentAction.action_id)
            .where(*self._mine())
            .where(AgentAction.workspace_id == self._workspace, AgentAction.agent_id.in_(agent_ids))
            .order_by(AgentAction.position, AgentAction.action_id)
        )
        found: defaultdict[UUID, list[UUID]] = defaultdict(list)
        for agent_id, action_id in await self._session.execute(query):
            found[agent_id].append(action_id)
        return found

    async def attachments_of(self, action: Action) -> Sequence[AgentAction]:
        """Where an action is attached."""
        query = select(AgentAction).where(
            AgentAction.workspace_id == self._workspace, AgentAction.action_id == action.id
        )
        return (await self._session.execute(query.order_by(AgentAction.agent_id))).scalars().all()

    async def names_choosing_from(self, book_id: UUID) -> Sequence[str]:
        """Names of the transfers that choose from a phone book, attached or not."""
        query = select(Action.name).where(*self._mine(), Action.phone_book_id == book_id)
        return (await self._session.execute(query.order_by(Action.name))).scalars().all()

    async def agents_of_phone_books(self, book_ids: Collection[UUID]) -> Mapping[UUID, list[UUID]]:
        """Phone book → the agents with a transfer that chooses from it; empty for a book that none has."""
        query = (
            select(Action.phone_book_id, AgentAction.agent_id)
            .join(AgentAction, AgentAction.action_id == Action.id)
            .where(*self._mine(), Action.phone_book_id.in_(book_ids))
            .where(AgentAction.workspace_id == self._workspace)
            .distinct()
            .order_by(Action.phone_book_id, AgentAction.agent_id)
        )
        found: defaultdict[UUID, list[UUID]] = defaultdict(list)
        for book_id, agent_id in await self._session.execute(query):
            if book_id is not None:
                found[book_id].append(agent_id)
        return found

    async def attach(self, attached: AgentAction) -> None:
        """Store that an agent has an action."""
        attached.workspace_id = self._workspace
        self._session.add(attached)
        await self._session.flush()

    async def detach(self, agent_id: UUID, action_ids: Collection[UUID]) -> None:
        """Take these actions from an agent."""
        await self._session.execute(
            delete(AgentAction).where(
                AgentAction.workspace_id == self._workspace,
                AgentAction.agent_id == agent_id,
                AgentAction.action_id.in_(action_ids),
            )
        )

    def _mine(self) -> tuple[ColumnElement[bool], ...]:
        return Action.workspace_id == self._workspace, Action.deleted_at.is_(None)
