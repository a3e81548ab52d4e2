"""Logs of outgoing requests, and deliveries, of one workspace in the database."""

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import ColumnElement, false, func, or_, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import defer, load_only

from trunkline.resources.ids import as_uuid
from trunkline.resources.webhooks import deliveries
from trunkline.resources.webhooks.filters import LogFilter
from trunkline.resources.webhooks.models import WebhookDelivery, WebhookLog


class WebhookLogRepository:
    """The logs of one workspace, within one transaction."""

    def __init__(self, session: AsyncSession, workspace_id: UUID) -> None:
        self._session = session
        self._workspace = workspace_id

    async def get(self, log_id: str) -> WebhookLog | None:
        """A log."""
        id_ = as_uuid(log_id)
        if id_ is None:
            return None
        query = select(WebhookLog).where(WebhookLog.workspace_id == self._workspace, WebhookLog.id == id_)
        return (await self._session.execute(query)).scalar_one_or_none()

    async def count(self, wanted: LogFilter) -> int:
        """How many logs there are of this kind."""
        query = select(func.count()).select_from(WebhookLog).where(*self._where(wanted))
        return (await self._session.execute(query)).scalar_one()

    async def page(self, wanted: LogFilter, limit: int, offset: int) -> Sequence[WebhookLog]:
        """Logs of this kind, newest first, with what a list shows of them.

        The ids are found first, in an index alone, so that pages far into a long list stay cheap.
        """
        newest = (WebhookLog.requested_at.desc(), WebhookLog.id)
        ids = (
            select(WebhookLog.id)
            .where(*self._where(wanted))
            .order_by(*newest)
            .limit(limit)
            .offset(offset)
            .subquery()
        )
        query = select(WebhookLog).join(ids, WebhookLog.id == ids.c.id).order_by(*newest)
        shown = load_only(
            WebhookLog.requested_at,
            WebhookLog.agent_id,
            WebhookLog.status,
            WebhookLog.url,
            WebhookLog.method,
            WebhookLog.answer_status,
        )
        return (await self._session.execute(query.options(shown))).scalars().all()

    def _where(self, wanted: LogFilter) -> list[ColumnElement[bool]]:
        conditions: list[ColumnElement[bool]] = [WebhookLog.workspace_id == self._workspace]
        if wanted.search is not None:
            conditions.append(_holds(wanted.search))
        if wanted.kind is not None:
            conditions.append(WebhookLog.kind == wanted.kind)
        if wanted.status is not None:
            conditions.append(WebhookLog.status == wanted.status)
        if wanted.method is not None:
            conditions.append(WebhookLog.method == wanted.method)
        if wanted.since is not None:
            conditions.append(WebhookLog.requested_at >= wanted.since)
        if wanted.until is not None:
            conditions.append(WebhookLog.requested_at <= wanted.until)
        if wanted.agent is not None:
            agent = as_uuid(wanted.agent)
            conditions.append(WebhookLog.agent_id == agent if agent else false())
        if wanted.call is not None:
            call = as_uuid(wanted.call)
            conditions.append(WebhookLog.call_id == call if call else false())
        return conditions


def _holds(text: str) -> ColumnElement[bool]:
    in_address = WebhookLog.url.icontains(text, autoescape=True)
    id_ = as_uuid(text)
    if id_ is None:
        return in_address
    named = (WebhookLog.id, WebhookLog.call_id, WebhookLog.agent_id, WebhookLog.action_id)
    return or_(in_address, *(column == id_ for column in named))


class DeliveryRepository:
    """The deliveries of one workspace, within one transaction."""

    def __init__(self, session: AsyncSession, workspace_id: UUID) -> None:
        self._session = session
        self._workspace = workspace_id

    async def get(self, delivery_id: str) -> WebhookDelivery | None:
        """A delivery, as it is now."""
        id_ = as_uuid(delivery_id)
        if id_ is None:
            return None
        query = select(WebhookDelivery).where(
            WebhookDelivery.workspace_id == self._workspace, WebhookDelivery.id == id_
        )
        fresh = query.execution_options(populate_existing=True)
        return (await self._session.execute(fresh)).scalar_one_or_none()

    async def page(
        self, state: str | None, call_id: str | None, limit: int, offset: int
    ) -> tuple[Sequence[WebhookDelivery], int]:
        """Deliveries in this state and of this call, newest first, without what they carry; and how many there are."""
        conditions: list[ColumnElement[bool]] = [WebhookDelivery.workspace_id == self._workspace]
        if state is not None:
            conditions.append(WebhookDelivery.state == state)
        if call_id is not None:
            call = as_uuid(call_id)
            conditions.append(WebhookDelivery.call_id == call if call else false())
        counted = select(func.count()).select_from(WebhookDelivery).where(*conditions)
        total = (await self._session.execute(counted)).scalar_one()
        newest = WebhookDelivery.created_at.desc(), WebhookDelivery.id
        query = select(WebhookDelivery).where(*conditions).order_by(*newest).limit(limit).offset(offset)
        found = await self._session.execute(query.options(defer(WebhookDelivery.body)))
        return found.scalars().all(), total

    async def redeliver(self, delivery_id: str) -> WebhookDelivery | None:
        """Have a delivery sent again; None where there is none."""
        row = await self.get(delivery_id)
        if row is None:
            return None
        await deliveries.redeliver(self._session, row.id)
        return await self.get(delivery_id)
