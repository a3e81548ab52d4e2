"""The voices that this installation speaks with, as its composition says."""

from typing import Annotated

from fastapi import Depends, Request

from trunkline.voice.speech.voices import NamedVoice


def _voices(request: Request) -> tuple[NamedVoice, ...]:
    voices: tuple[NamedVoice, ...] = request.app.state.voices
    return voices


Voices = Annotated[tuple[NamedVoice, ...], Depends(_voices)]


def found(voices: tuple[NamedVoice, ...], search: str) -> list[NamedVoice]:
    """Those whose name or id holds a text, in any case."""
    wanted = search.strip().casefold()
    return [voice for voice in voices if wanted in voice.name.casefold() or wanted in voice.id.casefold()]
