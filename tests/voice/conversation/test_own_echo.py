"""Calls on which the agent hears itself: with the real voice-activity model, on speech of the local voice."""

from pathlib import Path

import pytest
from benchmarks.sounds import Half, Item, Kind, items
from benchmarks.talkover import echoing, talk_over

from trunkline.voice.speech.twins import ToneEars
from trunkline.voice.speech.vad import SileroVad

SAYS = "We are open from nine to five on weekdays, and from ten to two on Saturdays."


@pytest.fixture(scope="module")
def vad(models_folder: Path) -> SileroVad:
    return SileroVad(models_folder / "vad" / "silero_vad.onnx")


class SureEars(ToneEars):
    """Hears words in whatever it is given, and so does not forgive a segment of echo."""

    has_partials = False

    def open(self, *arguments: object, **more: object) -> "SureHearing":  # type: ignore[override]
        return SureHearing()


class SureHearing:
    def push(self, pcm: bytes) -> None:
        return

    async def words(self) -> str:
        return "please listen to me"

    async def finish(self) -> str:
        return "please listen to me"

    def close(self) -> None:
        return


@pytest.mark.models("vad")
async def test_no_pause_and_no_turn_comes_of_our_own_echo_in_100_calls(vad: SileroVad) -> None:
    results = await talk_over([None] * 100, SureEars(), vad, echoing, SAYS)
    assert [number for number, result in enumerate(results) if result.stopped] == []
    assert [number for number, result in enumerate(results) if result.turns] == []


@pytest.mark.models("vad")
async def test_who_interrupts_over_the_echo_gets_the_floor(vad: SileroVad) -> None:
    loud = [one for one in items(Kind.INTERRUPTION) if one.half is Half.TUNING and one.level >= -24][:8]
    results = await talk_over(loud, SureEars(), vad, echoing)
    assert [result.item for result in results if not result.taken] == []


@pytest.mark.models("vad")
async def test_who_speaks_right_after_us_is_heard_though_our_echo_is_not_over(vad: SileroVad) -> None:
    item = Item(Kind.INTERRUPTION, "But I need it before Friday.", -18.0, None)
    results = await talk_over([item] * 5, SureEars(), vad, echoing, "Good morning.")
    assert [bool(result.turns) for result in results] == [True] * 5
