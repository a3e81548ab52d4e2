"""`/v2/knowledge_base`."""

from trunkline.platform.http.context import keyed_router
from trunkline.platform.http.scopes import Scope

router = keyed_router("/v2", "Knowledge bases", Scope.KNOWLEDGE_BASE)
