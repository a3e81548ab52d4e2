"""A talk of one of the agents, at a level, as rules and judges read it."""

from benchmarks.defects.shapes import Level, Variant
from trunkline.resources.simulations.happenings import Happenings
from trunkline.resources.simulations.levels import InVoice, VoiceParts
from trunkline.resources.simulations.mocks import MockedTools
from trunkline.resources.simulations.trials import Play, in_text
from trunkline.resources.simulations.voice_level import Side
from trunkline.voice.driver.latency import PACES, Pace
from trunkline.voice.language.twins import ScriptedLanguageModel
from trunkline.voice.speech.twins import FixedTurn, LevelActivity, ToneEars, ToneVoice

TURNS = 12
_UNDECIDED = 0.4
"""What the turn model says of every pause: how long the agent waits is up to its settings."""
_QUICK = {kind: Pace((20, 120), (5, 15)) for kind in PACES}
"""What its parts take, in ms: as little as they may, so that who is impatient is heard to be."""


async def played(variant: Variant, level: Level, seed: int) -> Happenings:
    """The whole talk; the seed draws how long the parts take."""
    mocks = MockedTools(variant.mocks, {})
    outbound = variant.house.outbound
    play = _play(variant, level)
    return (await play(variant.profile, variant.persona, mocks, TURNS, seed, not outbound)).happened


def _play(variant: Variant, level: Level) -> Play:
    model = ScriptedLanguageModel(rule=variant.rule)
    if level is Level.TEXT:
        return in_text(model)
    side = Side(ToneEars(), ToneVoice(), model, FixedTurn(_UNDECIDED))
    return InVoice(VoiceParts(ours=side, theirs=side, vad=LevelActivity(), paces=_QUICK))
