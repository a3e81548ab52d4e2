"""`/v2/logs`."""

from trunkline.platform.http.context import keyed_router
from trunkline.platform.http.scopes import Scope

router = keyed_router("/v2/logs", "Webhook logs", Scope.LOGS)
