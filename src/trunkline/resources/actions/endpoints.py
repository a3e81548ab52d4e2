"""`/v2/actions`."""

from trunkline.platform.http.context import keyed_router
from trunkline.platform.http.scopes import Scope

router = keyed_router("/v2/actions", "Actions", Scope.ACTIONS)
