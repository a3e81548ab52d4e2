"""The speech and language parts of a voice process: local models, or endpoints in their place.

The local ones share one pool of threads, as many as there are cores: a model run in it holds a core, so more at
once would only make each of them slower. The VAD is not in the pool; it runs on the beat.
"""

import asyncio
import os
import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

import structlog

from trunkline.voice.conversation.profile import Profile
from trunkline.voice.endpoint import rehearse
from trunkline.voice.language.ports import LanguageModel
from trunkline.voice.language.routes import language_model
from trunkline.voice.models.store import Store
from trunkline.voice.speech.hibari import LocalVoice
from trunkline.voice.speech.openai_stt import OpenAISpeechToText
from trunkline.voice.speech.openai_tts import OpenAITextToSpeech
from trunkline.voice.speech.ports import SpeechToText, TextToSpeech, TurnModel, VoiceActivity
from trunkline.voice.speech.services import Addresses, Own, SpeechServices
from trunkline.voice.speech.suppression import SuppressedEars
from trunkline.voice.speech.turn import SmartTurn
from trunkline.voice.speech.vad import SileroVad
from trunkline.voice.speech.wanted import Keys, Wanted
from trunkline.voice.speech.whisper import LocalWhisper, WhisperDecoder

log = structlog.get_logger(__name__)

_EMBEDDED_DEADLINE = 20.0
"""The local model reads a new prompt at some 50 tokens a second, and shares the cores with everything else."""


@dataclass(frozen=True)
class Endpoint:
    """An OpenAI-compatible service."""

    base_url: str
    api_key: str = field(default="", repr=False)


@dataclass(frozen=True)
class Choice:
    """Which parts to use."""

    models: Path
    """Folder of the local models' files."""
    llm: Endpoint
    llm_embedded: bool = False
    """The endpoint is the installation's own local model server."""
    llm_routes: Path | None = None
    stt: Endpoint | None = None
    """None: the local model."""
    tts: Endpoint | None = None
    keys: Keys = field(default_factory=Keys)
    """Of speech vendors."""
    addresses: Addresses = field(default_factory=Addresses)
    llm_fallback: str | None = None
    """A name in `llm_routes` that stands in where the endpoint fails."""


@dataclass(frozen=True)
class Speech:
    """What one call hears and speaks with."""

    stt: SpeechToText
    tts: TextToSpeech


@dataclass(frozen=True)
class Parts:
    """What calls hear, think and speak with."""

    vad: VoiceActivity
    turn: TurnModel
    stt: SpeechToText
    tts: TextToSpeech
    llm: LanguageModel
    pool: ThreadPoolExecutor
    services: SpeechServices | None = None
    """Who hears and speaks for which agent; None: `stt` and `tts` for all."""
    thinking_deadline: float = Profile.thinking_deadline
    """Seconds from a taken turn to the first sound, after which the agent apologises."""

    def speech_for(self, wanted: Wanted) -> Speech:
        """The ears and the voice of one call. Raises SetupError, which says what to set, where there are none."""
        stt, tts = self.stt, self.tts
        if self.services is not None:
            stt, tts = self.services.ears(wanted), self.services.voice(wanted)
        return Speech(SuppressedEars(stt, wanted.suppression) if wanted.suppression else stt, tts)

    async def warm(self) -> None:
        """Do now what the first call would otherwise wait for. Raises ProviderError."""
        await rehearse()
        await asyncio.gather(self.stt.warm(), self.tts.warm(), self.turn.complete(bytes(16_000), 8_000))

    async def close(self) -> None:
        """Let go of connections and threads; what runs in the pool ends first."""
        if self.services is not None:
            await self.services.close()
        await asyncio.gather(self.stt.close(), self.tts.close(), self.llm.close())
        await asyncio.to_thread(self.pool.shutdown, cancel_futures=True)


def load(choice: Choice) -> Parts:
    """Load what was chosen; takes seconds and blocks. Raises ModelMissing, SetupError."""
    store = Store(choice.models)
    pool = ThreadPoolExecutor(os.cpu_count() or 1, thread_name_prefix="speech", initializer=_give_way)
    vad = SileroVad(store.path("vad", "silero_vad.onnx"))
    turn = SmartTurn(store.path("turn", "smart-turn-v3.2-cpu.onnx"), pool)
    stt, tts = _hearing(choice, store, pool), _voice(choice, pool)
    own = Own(stt, tts, local_stt=choice.stt is None, local_tts=choice.tts is None)
    services = SpeechServices(own, choice.keys, choice.addresses)
    services.load()
    parts = Parts(
        vad=vad,
        turn=turn,
        stt=stt,
        tts=tts,
        llm=language_model(
            choice.llm.base_url,
            choice.llm.api_key,
            embedded=choice.llm_embedded,
            routes=choice.llm_routes,
            fallback=choice.llm_fallback,
        ),
        pool=pool,
        services=services,
        thinking_deadline=_EMBEDDED_DEADLINE if choice.llm_embedded else Profile.thinking_deadline,
    )
    log.info(
        "parts_loaded",
        stt=type(parts.stt).__name__,
        tts=type(parts.tts).__name__,
        vendors=services.vendors,
        llm_embedded=choice.llm_embedded,
    )
    return parts


def _give_way() -> None:
    """A model that runs in the pool takes what the beat and the work loop leave."""
    os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), 5)


def _hearing(choice: Choice, store: Store, pool: ThreadPoolExecutor) -> SpeechToText:
    if choice.stt is not None:
        return OpenAISpeechToText(choice.stt.base_url, choice.stt.api_key)
    decoder = WhisperDecoder(store.set_folder("stt-tiny.en"), workers=os.cpu_count() or 1)
    return LocalWhisper(decoder, pool)


def _voice(choice: Choice, pool: ThreadPoolExecutor) -> TextToSpeech:
    if choice.tts is not None:
        return OpenAITextToSpeech(choice.tts.base_url, choice.tts.api_key)
    return LocalVoice(pool)
