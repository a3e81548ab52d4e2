"""Ears and voices that stand in for each other, fault by fault: no word twice, none lost, and in time."""

import asyncio
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest

from tests.voice.driver.stubs import until
from trunkline.errors import ProviderError, ProviderRefused
from trunkline.voice.scripted.script import Fault, FaultKind, HearScript, Script, Sound, SpeechScript
from trunkline.voice.scripted.server import ScriptedServer
from trunkline.voice.speech import tones
from trunkline.voice.speech.fallback_stt import FallbackSpeechToText, Listener
from trunkline.voice.speech.fallback_tts import FallbackTextToSpeech, SoundBudget, Speaker
from trunkline.voice.speech.openai_stt import OpenAISpeechToText
from trunkline.voice.speech.openai_tts import OpenAITextToSpeech
from trunkline.voice.speech.ports import Voice
from trunkline.voice.speech.twins import ToneEars, ToneVoice
from trunkline.voice.standing import Standing

RATE = 8000
SENTENCE = "Your appointment is on Tuesday at ten, please bring your card."
PATIENT = 30.0
"""Seconds that no answer ever takes; the first provider itself would be waited for twice as long."""
SLOW = (FaultKind.HANG, FaultKind.DRIP)
"""Faults that a chain notices by its budget only."""
FAULTS = tuple(FaultKind)


async def never() -> None:
    await asyncio.Event().wait()


def standing(name: str, probe: Callable[[], Any] = never) -> Standing:
    return Standing(name, probe, waits=(0.01,))


@pytest.fixture
async def server() -> AsyncIterator[ScriptedServer]:
    with ScriptedServer() as running:
        yield running


@pytest.fixture
async def standings() -> AsyncIterator[tuple[Standing, Standing]]:
    both = standing("first"), standing("second")
    yield both
    for each in both:
        await each.close()


async def timed(speech: AsyncIterator[bytes]) -> tuple[bytes, list[float]]:
    """The sound, and how late each piece of it came for whoever plays what has come before."""
    loop = asyncio.get_running_loop()
    sound, late, free = b"", [], loop.time()
    async for piece in speech:
        late.append(max(0.0, loop.time() - free))
        sound += piece
        free = max(free, loop.time()) + len(piece) / 2 / 24_000
    return sound, late


@pytest.mark.parametrize("kind", FAULTS)
async def test_a_voice_that_fails_is_taken_over_from(
    server: ScriptedServer, standings: tuple[Standing, Standing], kind: FaultKind
) -> None:
    tts = OpenAITextToSpeech(server.base_url, timeout=2 * PATIENT)
    substitute = ToneVoice()
    first, second = standings
    paces: dict[str, float] = {}

    def chain(budget: SoundBudget) -> FallbackTextToSpeech:
        speakers = [Speaker(tts, None, first), Speaker(substitute, "other", second)]
        return FallbackTextToSpeech(speakers, budget, paces)

    patient = chain(SoundBudget(PATIENT, PATIENT))
    server.script = Script(tts=SpeechScript(voice=Sound.WORDS))
    await timed(patient.speak("We open at nine.", Voice()))  # the pace is learned
    assert substitute.spoken == []
    fault = Fault(kind=kind, rate=1.0, drip_ms=1000)
    server.script = Script(tts=SpeechScript(voice=Sound.WORDS, faults=(fault,)))
    speaking = chain(SoundBudget(first=0.4, behind=0.3)) if kind in SLOW else patient
    sound, late = await timed(speaking.speak(SENTENCE, Voice()))
    whole = [word for word in tones.hear(sound, speaking.rate).split() if word in SENTENCE.split()]
    assert whole == SENTENCE.split()
    assert max(late) < PATIENT
    assert not first.up
    if kind is FaultKind.DIE:
        [rest] = substitute.spoken
        assert SENTENCE.endswith(rest)
        assert rest != SENTENCE  # it went on; it did not begin anew
    before = len(server.of("tts"))
    await timed(patient.speak("Goodbye.", Voice()))
    assert len(server.of("tts")) == before  # passed over until it is well
    await tts.close()


async def test_the_last_voice_has_nobody_behind_it(standings: tuple[Standing, Standing]) -> None:
    first, second = standings
    chain = FallbackTextToSpeech(
        [Speaker(ToneVoice(fail_on="nine"), None, first), Speaker(ToneVoice(fail_on="nine"), None, second)]
    )
    with pytest.raises(ProviderError):
        await timed(chain.speak("We open at nine.", Voice()))


async def test_voices_of_other_rates_are_brought_to_one(standings: tuple[Standing, Standing]) -> None:
    first, second = standings
    speakers = [
        Speaker(ToneVoice(24_000, fail_on="nine"), None, first),
        Speaker(ToneVoice(16_000), "", second),
    ]
    chain = FallbackTextToSpeech(speakers)
    sound, _ = await timed(chain.speak("We open at nine.", Voice()))
    assert tones.hear(sound, 24_000) == "We open at nine."


async def test_the_substitute_speaks_with_its_own_voice(standings: tuple[Standing, Standing]) -> None:
    asked: list[Voice] = []

    class Remembering(ToneVoice):
        def speak(self, text: str, voice: Voice) -> AsyncIterator[bytes]:
            asked.append(voice)
            return super().speak(text, voice)

    first, second = standings
    speakers = [Speaker(Remembering(fail_on="nine"), "one", first), Speaker(Remembering(), "other", second)]
    await timed(FallbackTextToSpeech(speakers).speak("We open at nine.", Voice("one", "de-DE", 1.2)))
    assert asked == [Voice("one", "de-DE", 1.2), Voice("other", "de-DE", 1.2)]


@pytest.mark.parametrize("kind", FAULTS)
async def test_ears_that_fail_are_taken_over_from(
    server: ScriptedServer, standings: tuple[Standing, Standing], kind: FaultKind
) -> None:
    stt = OpenAISpeechToText(server.base_url, timeout=2 * PATIENT)
    first, second = standings

    def chain(seconds: float) -> FallbackSpeechToText:
        return FallbackSpeechToText(
            [Listener(stt, first), Listener(ToneEars(), second)], final_seconds=seconds
        )

    fault = Fault(kind=kind, rate=1.0)
    server.script = Script(
        stt=HearScript(decode=True, first_ms=600.0 if kind is FaultKind.DRIP else 0.0, faults=(fault,))
    )
    loop = asyncio.get_running_loop()
    hearing = chain(0.4 if kind in SLOW else PATIENT).open(RATE, "en-US")
    hearing.push(tones.speak("I need", RATE))
    hearing.push(tones.speak("an appointment", RATE))
    began = loop.time()
    assert await hearing.finish() == "I need an appointment"
    assert loop.time() - began < PATIENT
    assert not first.up
    before = len(server.of("stt"))
    hearing = chain(PATIENT).open(RATE, "en-US")
    hearing.push(tones.speak("Yes", RATE))
    assert await hearing.finish() == "Yes"
    assert len(server.of("stt")) == before
    await stt.close()


async def test_ears_that_break_while_somebody_speaks_still_tell_words(
    standings: tuple[Standing, Standing],
) -> None:
    class Breaking(ToneEars):
        def open(self, *given: Any, **named: Any) -> Any:
            hearing = super().open(*given, **named)
            hearing.push = _broken  # type: ignore[method-assign]
            return hearing

    first, second = standings
    listeners = [Listener(Breaking(has_partials=True), first), Listener(ToneEars(), second)]
    chain = FallbackSpeechToText(listeners)
    assert chain.has_partials
    told: list[str] = []
    hearing = chain.open(RATE, "en-US", told.append)
    hearing.push(tones.speak("I need an appointment", RATE))
    await until(lambda: bool(told))  # the substitute tells none by itself: it is asked
    assert told == ["I need an appointment"]
    assert await hearing.finish() == "I need an appointment"


def _broken(pcm: bytes) -> None:
    raise ProviderError("the connection is gone")


async def test_a_provider_that_is_well_again_is_asked_first_again() -> None:
    well = asyncio.Event()
    probes = 0

    async def probe() -> None:
        nonlocal probes
        probes += 1
        if not well.is_set():
            raise ProviderError("still away")

    first, second = standing("first", probe), standing("second")
    broken, substitute = ToneVoice(fail_on="nine"), ToneVoice()
    chain = FallbackTextToSpeech([Speaker(broken, None, first), Speaker(substitute, None, second)])
    await timed(chain.speak("We open at nine.", Voice()))
    await until(lambda: probes >= 2)
    assert not first.up
    well.set()
    await until(lambda: first.up)
    await timed(chain.speak("Goodbye.", Voice()))
    assert broken.spoken[-1] == "Goodbye."
    assert substitute.spoken == ["We open at nine."]
    await first.close()


async def test_a_request_that_is_wrong_does_not_count_against_the_provider(
    standings: tuple[Standing, Standing],
) -> None:
    first, _ = standings
    first.failed(ProviderRefused("no such voice"))
    assert first.up
