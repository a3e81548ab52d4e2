"""`/v2/voices`."""

from trunkline.platform.http.context import keyed_router

router = keyed_router("/v2/voices", "Voices", None)
