"""`/v2/simulation…`, `/v2/sessions`."""

from trunkline.platform.http.context import keyed_router
from trunkline.platform.http.scopes import Scope

router = keyed_router("/v2", "Simulations", Scope.SIMULATIONS)
