"""Whose ears and voice an agent gets, by its settings and by the keys that there are."""

from collections.abc import AsyncIterator

import pytest

from tests.voice.speech.vendors import KEY, Deepgram, ElevenLabs, running
from trunkline.errors import SetupError
from trunkline.voice.scripted.script import FaultKind
from trunkline.voice.speech import tones
from trunkline.voice.speech.ports import Voice
from trunkline.voice.speech.services import Addresses, Own, SpeechServices
from trunkline.voice.speech.twins import ToneEars, ToneVoice
from trunkline.voice.speech.wanted import Keys, Wanted

RATE = 8000
RACHEL = "21m00Tcm4TlvDq8ikWAM"


class World:
    """Both vendors, and an installation."""

    def __init__(self) -> None:
        self.deepgram = Deepgram()
        self.elevenlabs = ElevenLabs()
        self.stt = ToneEars()
        self.tts = ToneVoice()
        self.opened: list[SpeechServices] = []

    def services(self, deepgram: bool = True, elevenlabs: bool = True, local: bool = True) -> SpeechServices:
        keys = Keys(KEY if deepgram else "", KEY if elevenlabs else "")
        addresses = Addresses(self.deepgram.url, self.elevenlabs.url)
        made = SpeechServices(Own(self.stt, self.tts, local, local), keys, addresses)
        self.opened.append(made)
        return made

    async def heard_by(self, services: SpeechServices, wanted: Wanted) -> str:
        hearing = services.ears(wanted).open(RATE, wanted.language)
        hearing.push(tones.speak("I need an appointment", RATE))
        assert await hearing.finish() == "I need an appointment"
        return self._who("listen", "speech-to-text", bool(self.stt.heard))

    async def spoken_by(self, services: SpeechServices, wanted: Wanted) -> str:
        voice = Voice(wanted.voice_id, wanted.language)
        async for _ in services.voice(wanted).speak("We open at nine", voice):
            pass
        return self._who("speak", "text-to-speech", bool(self.tts.spoken))

    def _who(self, deepgram: str, elevenlabs: str, own: bool) -> str:
        asked = (
            ("deepgram", self.deepgram.of(deepgram)),
            ("elevenlabs", self.elevenlabs.of(elevenlabs)),
            ("own", own),
        )
        return " ".join(name for name, requests in asked if requests)


@pytest.fixture
async def world() -> AsyncIterator[World]:
    made = World()
    async with running(made.deepgram, made.elevenlabs):
        yield made
        for services in made.opened:
            await services.close()


@pytest.mark.parametrize(
    ("wanted", "local", "who"),
    [
        (Wanted(transcriber="deepgram-nova-3"), False, "deepgram"),
        (Wanted(transcriber="synthflow-stt"), True, "own"),
        (Wanted(), True, "deepgram"),  # whom the operator has set goes before the small local model
        (Wanted(), False, "own"),
        (Wanted(language="he"), True, "elevenlabs"),
    ],
)
async def test_ears(world: World, wanted: Wanted, local: bool, who: str) -> None:
    assert await world.heard_by(world.services(local=local), wanted) == who


@pytest.mark.parametrize(
    ("wanted", "local", "who"),
    [
        (Wanted(voice_id="aura-2-zeus-en"), False, "deepgram"),
        (Wanted(voice_id=RACHEL), False, "elevenlabs"),
        (Wanted(voice_id="alloy"), False, "own"),
        (Wanted(), True, "deepgram"),
        (Wanted(), False, "own"),
        (Wanted(language="pl"), True, "elevenlabs"),
    ],
)
async def test_voices(world: World, wanted: Wanted, local: bool, who: str) -> None:
    assert await world.spoken_by(world.services(local=local), wanted) == who


async def test_the_fallback_voice_goes_before_all_others(world: World) -> None:
    world.deepgram.fault = FaultKind.BROKEN
    wanted = Wanted(voice_id="aura-2-zeus-en", fallback_voice_id=RACHEL, fallback_provider="elevenlabs")
    assert await world.spoken_by(world.services(local=False), wanted) == "deepgram elevenlabs"
    assert [each["voice"] for each in world.elevenlabs.of("text-to-speech")] == [RACHEL]


async def test_a_workspaces_own_key_goes_before_the_installations(world: World) -> None:
    services = world.services(deepgram=False, elevenlabs=False)
    wanted = Wanted(transcriber="deepgram", keys=Keys(deepgram=KEY))
    assert await world.heard_by(services, wanted) == "deepgram"
    assert services.vendors == ["deepgram"]


async def test_a_language_that_nobody_has_is_told_with_the_setting_to_make(world: World) -> None:
    services = world.services(deepgram=False, elevenlabs=False)
    with pytest.raises(SetupError, match="hears the agent's language de-DE: set DEEPGRAM_API_KEY"):
        services.ears(Wanted(language="de-DE"))
    with pytest.raises(SetupError, match="speaks the agent's language de-DE: set ELEVENLABS_API_KEY"):
        services.voice(Wanted(language="de-DE"))
    only_deepgram = world.services(elevenlabs=False)
    assert only_deepgram.ears(Wanted(language="pl"))
    with pytest.raises(SetupError, match="speaks the agent's language pl"):
        only_deepgram.voice(Wanted(language="pl"))
    assert world.services(deepgram=False, elevenlabs=False, local=False).ears(Wanted(language="pl"))


def test_keys_are_not_shown() -> None:
    assert KEY not in repr(Wanted(keys=Keys(KEY, KEY)))
