"""The voices that are named are those that the parts speak with."""

import inspect

from hibari.voices import DEFAULT, VOICES

from trunkline.voice.speech import deepgram, elevenlabs
from trunkline.voice.speech.openai_tts import OpenAITextToSpeech
from trunkline.voice.speech.voices import DEEPGRAM, ELEVENLABS, LOCAL, OPENAI, name_of, voices_of


def test_the_local_voice_is_the_one_that_comes_with_the_package() -> None:
    (voice,) = voices_of(endpoint=False)
    assert voice.id == DEFAULT
    assert VOICES[DEFAULT]["bundled"]
    assert voice.gender == VOICES[DEFAULT]["gender"]
    assert voice.languages is not None
    assert VOICES[DEFAULT]["language"].split("-")[0] in voice.languages


def test_an_endpoint_is_asked_for_voices_it_has() -> None:
    usual = inspect.signature(OpenAITextToSpeech).parameters["voice"].default
    assert usual in {voice.id for voice in voices_of(endpoint=True)}


def test_vendors_voices_are_listed_where_there_is_a_key() -> None:
    assert voices_of(endpoint=False) == LOCAL
    listed = voices_of(endpoint=True, deepgram=True, elevenlabs=True)
    assert listed == (*OPENAI, *DEEPGRAM, *ELEVENLABS)
    assert {
        deepgram.voice_for(language) for language in ("en-US", "de-DE", "es-ES", "fr", "it", "ja", "nl-NL")
    } <= {voice.id for voice in DEEPGRAM}
    assert elevenlabs.DEFAULT_VOICE in {voice.id for voice in ELEVENLABS}


def test_names() -> None:
    ids = [voice.id for voice in (*LOCAL, *OPENAI, *DEEPGRAM, *ELEVENLABS)]
    assert len(set(ids)) == len(ids)
    assert name_of("heart") == "Heart"
    assert name_of("alloy") == "Alloy"
    assert name_of("somebody else's") is None
