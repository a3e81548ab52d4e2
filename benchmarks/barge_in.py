"""Barge-in: from the caller's first voiced packet over the agent's words to the agent's last."""

from collections.abc import Iterator

from benchmarks.figures import Figure, percentile
from benchmarks.gaps import EnergyMeter, turns
from benchmarks.speech import INTERRUPTIONS, utterances
from benchmarks.stage import script, stage
from benchmarks.wire import CueKind, Step

_LONG = (
    "We are open from nine to five on weekdays and from ten to two on Saturdays and on the first Sunday of the month "
    "we are open in the morning for emergencies and you can reach us by telephone at any time of the day or night."
)
_WAITS_MS = (2500, 2300, 2700, 2100)
_CALLS = 8


def measure(full: bool) -> Iterator[Figure]:
    """How soon the agent falls silent. `full`: three times as many calls."""
    calls = _CALLS * 3 if full else _CALLS
    sounds = utterances(INTERRUPTIONS)
    cuts = [Step(CueKind.INTERRUPT, wait, sound) for wait, sound in zip(_WAITS_MS, sounds, strict=True)]
    with stage(providers=script(100, 50, reply=_LONG)) as it:
        it.agent("+15550101")
        steps = [Step(CueKind.AFTER, 700, it.sounds[0]), *cuts, Step(CueKind.INTERRUPT, 2000)]
        result = it.sip("+15550101", [steps] * calls, 60.0, spread=0.5)
    meter = EnergyMeter()
    heard = [turn for log in result.logs for turn in turns(log, meter)]
    voiced = [turn.stop_ms for turn in heard if turn.stop_ms is not None]
    any_sound = [turn.stop_any_ms for turn in heard if turn.stop_any_ms is not None]
    how = (
        f"{len(any_sound)} interruptions in {calls} calls over SIP; first voiced packet of the caller to the agent's last "
        "that is not silence"
    )
    yield Figure("barge_in_p50", percentile(any_sound, 0.5), "ms", "<= 200", how)
    yield Figure("barge_in_p99", percentile(any_sound, 0.99), "ms", "<= 300", how)
    yield Figure(
        "barge_in_voiced_p50", percentile(voiced, 0.5), "ms", None, "to the last packet that is voiced"
    )
