"""The rules of logs."""

from collections.abc import Sequence
from uuid import UUID

from trunkline.errors import NotFound
from trunkline.platform.http.totals import Totals
from trunkline.resources.webhooks.filters import LogFilter
from trunkline.resources.webhooks.models import WebhookLog
from trunkline.resources.webhooks.repository import WebhookLogRepository


class WebhookLogs:
    """The logs of one workspace, within one transaction."""

    def __init__(self, logs: WebhookLogRepository, workspace_id: UUID) -> None:
        self._logs = logs
        self._workspace = workspace_id

    async def get(self, log_id: str) -> WebhookLog:
        """One log. Raises NotFound."""
        log = await self._logs.get(log_id)
        if log is None:
            raise NotFound(f"There is no webhook log {log_id}.")
        return log

    async def page(
        self, wanted: LogFilter, limit: int, offset: int, totals: Totals
    ) -> tuple[Sequence[WebhookLog], int]:
        """Logs of this kind, newest first, and how many there are."""
        key = ("webhook_logs", self._workspace, wanted)
        total = await totals.get(key, lambda: self._logs.count(wanted))
        return await self._logs.page(wanted, limit, offset), total
