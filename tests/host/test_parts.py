"""The speech and language parts that a host is given."""

from pathlib import Path

import pytest

from trunkline.errors import ModelMissing
from trunkline.host.parts import Choice, Endpoint, load
from trunkline.voice.language.embedded import EmbeddedLanguageModel
from trunkline.voice.speech.hibari import LocalVoice
from trunkline.voice.speech.openai_stt import OpenAISpeechToText
from trunkline.voice.speech.openai_tts import OpenAITextToSpeech
from trunkline.voice.speech.ports import Voice
from trunkline.voice.speech.whisper import LocalWhisper

NOWHERE = Endpoint("http://127.0.0.1:1/v1", "a key")


def test_without_model_files_it_says_what_to_pull(tmp_path: Path) -> None:
    with pytest.raises(ModelMissing, match="trunkline models pull vad"):
        load(Choice(tmp_path, NOWHERE))


@pytest.mark.models("vad", "turn")
async def test_endpoints_need_no_models_of_speech(models_folder: Path) -> None:
    parts = load(Choice(models_folder, NOWHERE, stt=NOWHERE, tts=NOWHERE))
    assert isinstance(parts.stt, OpenAISpeechToText)
    assert isinstance(parts.tts, OpenAITextToSpeech)
    await parts.warm()
    await parts.close()


@pytest.mark.models("vad", "turn", "stt-tiny.en")
async def test_local_parts_speak_and_hear(models_folder: Path) -> None:
    parts = load(Choice(models_folder, NOWHERE, llm_embedded=True))
    assert isinstance(parts.stt, LocalWhisper)
    assert isinstance(parts.tts, LocalVoice)
    assert isinstance(parts.llm, EmbeddedLanguageModel)
    await parts.warm()
    hearing = parts.stt.open(parts.tts.rate, "en-US")
    async for pcm in parts.tts.speak("Good morning, how can I help you?", Voice()):
        hearing.push(pcm)
    assert "good morning" in (await hearing.finish()).lower()
    await parts.close()


def test_keys_are_not_shown() -> None:
    assert "a key" not in repr(Choice(Path(), NOWHERE))
