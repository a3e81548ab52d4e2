"""`/trunkline/v1/trunks`."""

from trunkline.platform.http.context import keyed_router
from trunkline.platform.http.scopes import Scope

router = keyed_router("/trunkline/v1/trunks", "Trunks", Scope.PHONE_NUMBERS)
