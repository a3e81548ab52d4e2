"""`/v2/memory_stores`."""

from trunkline.platform.http.context import keyed_router
from trunkline.platform.http.scopes import Scope

router = keyed_router("/v2/memory_stores", "Memory stores", Scope.CONTACTS)
