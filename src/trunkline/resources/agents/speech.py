"""From an agent's settings to what it asks of speech."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from trunkline.resources.agents import vocabulary
from trunkline.resources.workspaces.secrets import Opener, secret
from trunkline.voice.speech.wanted import ELEVENLABS_MODEL, Keys, Style, Wanted

_SUPPRESSION = {"standard": 8.0, "advanced": 12.0}
"""By the setting noise_cancellation, in dB."""
_MOST_SUPPRESSION = 18.0
"""dB; of suppression_level, which raises what noise_cancellation asks for."""


def speech_of(settings: Mapping[str, Any], keys: Keys | None = None) -> Wanted:
    """Whose ears and voice an agent asks for; `keys` are those of its workspace."""
    return Wanted(
        language=settings.get("language") or vocabulary.DEFAULT_LANGUAGE,
        transcriber=settings.get("transcriber_provider") or "",
        voice_id=settings.get("voice_id") or "",
        style=Style(
            model=settings.get("voice_synthesizer") or ELEVENLABS_MODEL,
            stability=settings.get("voice_stability"),
            similarity=settings.get("voice_similarity_boost"),
            style=settings.get("voice_style"),
            speaker_boost=settings.get("voice_use_speaker_boost"),
            latency=settings.get("voice_optimise_streaming_latency"),
            tags=settings.get("global_audio_tags") or "",
        ),
        fallback_voice_id=settings.get("fallback_voice_id") or "",
        fallback_provider=settings.get("fallback_provider") or "",
        fallback_model=settings.get("fallback_model") or "",
        suppression=_suppression(settings),
        keys=keys or Keys(),
    )


def _suppression(settings: Mapping[str, Any]) -> float:
    """In dB. A level up to 1 is a share of the most that there is, above that percent of it."""
    level = float(settings.get("suppression_level") or 0.0)
    share = level if level <= 1 else min(level, 100.0) / 100
    return max(_SUPPRESSION.get(settings.get("noise_cancellation") or "", 0.0), share * _MOST_SUPPRESSION)


async def vendor_keys(session: AsyncSession, box: Opener, workspace_id: UUID) -> Keys:
    """What a workspace has put into its secrets `deepgram` and `elevenlabs`. Raises SetupError as `secret` does."""
    deepgram = await secret(session, box, workspace_id, "deepgram")
    elevenlabs = await secret(session, box, workspace_id, "elevenlabs")
    return Keys((deepgram or {}).get("api_key", ""), (elevenlabs or {}).get("api_key", ""))
