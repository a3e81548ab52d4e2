"""How a voice is shown."""

from uuid import UUID

from trunkline.resources.voices.schemas import Provider, VoiceOut
from trunkline.voice.speech.voices import NamedVoice


def shown(voice: NamedVoice, workspace_id: UUID, provider: Provider) -> VoiceOut:
    """A voice, as one of the provider that was asked for."""
    return VoiceOut(
        voice_id=voice.id,
        name=voice.name,
        preview="",
        workspace=str(workspace_id),
        provider=provider,
        gender=voice.gender,
        languages=None if voice.languages is None else list(voice.languages),
    )
