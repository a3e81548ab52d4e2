"""`/v2/calls/outbound-test-ws-media`."""

from trunkline.platform.http.context import keyed_router
from trunkline.platform.http.scopes import Scope

router = keyed_router("/v2/calls/outbound-test-ws-media", "WebSocket media", Scope.CALLS)
