"""`/v2/voices`."""

from trunkline.platform.http.context import keyed_router
from trunkline.platform.http.pagination import VoicePage
from trunkline.platform.http.wire import Ok, ok
from trunkline.resources.voices import catalogue, wire
from trunkline.resources.voices.schemas import Provider, VoicesPage
from trunkline.resources.workspaces.acting import Acting

router = keyed_router("/v2/voices", "Voices", None)


# Programs leave `workspace` out, so it is not asked for.
@router.get("")
async def get_voices(
    acting: Acting,
    page: VoicePage,
    voices: catalogue.Voices,
    search: str = "",
    provider: Provider = "elevenlabs",
) -> Ok[VoicesPage]:
    """The voices that this installation speaks with."""
    found = catalogue.found(voices, search)
    part = found[page.offset : page.offset + page.limit]
    items = [wire.shown(voice, acting.workspace_id, provider) for voice in part]
    return ok(VoicesPage(pagination=page.of(len(found)), voices=items))
