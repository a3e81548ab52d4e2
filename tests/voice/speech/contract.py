"""What every implementation of a speech port does; the test modules run these over real ones and twins."""

import asyncio
from abc import ABC, abstractmethod
from collections.abc import AsyncIterator

import numpy as np

from trunkline.voice.speech.ports import SpeechToText, TextToSpeech, TurnModel, Voice, VoiceActivity


def voiced_at(pcm: bytes) -> int:
    """Index of the first sample that is clearly sound."""
    return int((np.abs(np.frombuffer(pcm, "<i2").astype(np.int32)) > 300).argmax())


class TextToSpeechContract:
    sentence = "Good morning, how can I help you?"

    async def _whole(self, tts: TextToSpeech, text: str) -> bytes:
        return b"".join([pcm async for pcm in tts.speak(text, Voice())])

    async def test_speaks_whole_samples_of_a_natural_length(self, tts: TextToSpeech) -> None:
        pcm = await self._whole(tts, self.sentence)
        assert len(pcm) % 2 == 0
        assert 0.5 < len(pcm) / 2 / tts.rate < 6

    async def test_the_head_holds_no_silence(self, tts: TextToSpeech) -> None:
        pcm = await self._whole(tts, self.sentence)
        assert voiced_at(pcm) < tts.rate * 0.05

    async def test_many_speak_at_once(self, tts: TextToSpeech) -> None:
        first, second = await asyncio.gather(self._whole(tts, self.sentence), self._whole(tts, "Yes."))
        assert len(first) > len(second) > 0

    async def test_may_be_left_early_and_used_again(self, tts: TextToSpeech) -> None:
        speech = tts.speak(self.sentence * 3, Voice())
        assert isinstance(speech, AsyncIterator)
        assert await anext(speech)
        await speech.aclose()  # type: ignore[attr-defined]
        assert await self._whole(tts, "Yes.")

    async def test_warm_and_close_may_be_called_at_any_time(self, tts: TextToSpeech) -> None:
        await tts.warm()
        await self._whole(tts, "Yes.")
        await tts.close()


class SpeechToTextContract(ABC):
    @abstractmethod
    def sound(self, text: str) -> bytes:
        """Speech of the text at 8 kHz."""

    @staticmethod
    def _words(text: str) -> set[str]:
        return {word.strip(".,!?").lower() for word in text.split()}

    async def test_hears_what_was_said(self, stt: SpeechToText) -> None:
        hearing = stt.open(8000, "en-US")
        sound = self.sound("I need an appointment")
        for at in range(0, len(sound), 320):
            hearing.push(sound[at : at + 320])
        assert "appointment" in self._words(await hearing.finish())

    async def test_words_can_be_asked_for_before_the_end(self, stt: SpeechToText) -> None:
        hearing = stt.open(8000, "en-US")
        hearing.push(self.sound("I need"))
        assert "need" in self._words(await hearing.words())
        hearing.push(self.sound("an appointment"))
        assert "appointment" in self._words(await hearing.finish())

    async def test_silence_and_nothing_are_no_words(self, stt: SpeechToText) -> None:
        hearing = stt.open(8000, "en-US")
        assert await hearing.words() == ""
        hearing.push(bytes(16_000))
        assert await hearing.finish() == ""

    async def test_segments_do_not_mix(self, stt: SpeechToText) -> None:
        first, second = stt.open(8000, "en-US"), stt.open(8000, "en-US")
        first.push(self.sound("Please cancel the appointment"))
        second.push(self.sound("What are your opening hours"))
        one, two = await asyncio.gather(first.finish(), second.finish())
        assert "cancel" in self._words(one)
        assert "hours" in self._words(two)
        assert "cancel" not in self._words(two)

    async def test_close_may_be_repeated(self, stt: SpeechToText) -> None:
        hearing = stt.open(8000, "en-US")
        hearing.push(self.sound("Yes"))
        hearing.close()
        hearing.close()
        await stt.warm()
        await stt.close()


class TurnModelContract:
    async def test_answers_with_a_probability(self, turn: TurnModel) -> None:
        noise = np.random.default_rng(1).normal(0, 1000, 80_000).astype("<i2").tobytes()
        for seconds in (0.3, 3, 10):
            assert 0 <= await turn.complete(noise[: int(seconds * 16_000)], 8000) <= 1

    async def test_the_same_sound_gives_the_same_answer(self, turn: TurnModel) -> None:
        noise = np.random.default_rng(1).normal(0, 1000, 16_000).astype("<i2").tobytes()
        assert await turn.complete(noise, 8000) == await turn.complete(noise, 8000)


class VoiceActivityContract(ABC):
    @abstractmethod
    def speech(self) -> bytes:
        """Something that is clearly said, at 8 kHz."""

    def _run(self, vad: VoiceActivity, slot: int, pcm: bytes) -> list[float]:
        chunks = [pcm[at : at + 512] for at in range(0, len(pcm) - 511, 512)]
        return [vad.run([slot], [chunk])[0] for chunk in chunks]

    def test_speech_is_found_and_silence_is_not(self, vad: VoiceActivity) -> None:
        slot = vad.open()
        assert max(self._run(vad, slot, bytes(16_000))) < 0.35
        speech = self._run(vad, slot, self.speech())
        assert sum(each >= 0.5 for each in speech) > len(speech) / 2

    def test_a_batch_gives_what_one_by_one_gives(self, vad: VoiceActivity) -> None:
        speech = self.speech()
        alone = self._run(vad, vad.open(), speech)
        slots = [vad.open() for _ in range(12)]
        quiet = bytes(512)
        together: list[float] = []
        for at in range(0, len(speech) - 511, 512):
            chunks = [speech[at : at + 512] if slot == slots[7] else quiet for slot in slots]
            together.append(vad.run(slots, chunks)[7])
        assert np.allclose(together, alone, atol=1e-4)

    def test_a_slot_that_is_used_again_remembers_nothing(self, vad: VoiceActivity) -> None:
        speech = self.speech()
        slot = vad.open()
        fresh = self._run(vad, slot, speech)
        vad.close(slot)
        again = vad.open()
        assert np.allclose(self._run(vad, again, speech), fresh, atol=1e-6)

    def test_no_calls_no_answers(self, vad: VoiceActivity) -> None:
        assert vad.run([], []) == []
