"""Voices on the wire."""

from typing import Literal

from trunkline.platform.http.pagination import Pagination
from trunkline.platform.http.wire import Wire

Provider = Literal["elevenlabs", "deepgram", "synthflow"]


class VoiceOut(Wire):
    """A voice that agents may have. `provider` is the one that was asked for: ours speak under any name."""

    voice_id: str
    name: str
    preview: str
    """Address of a sample; empty when there is none."""
    workspace: str
    provider: Provider
    gender: Literal["male", "female", "neutral"] | None
    languages: list[str] | None


class VoicesPage(Wire):
    """A page of voices."""

    pagination: Pagination
    voices: list[VoiceOut]
