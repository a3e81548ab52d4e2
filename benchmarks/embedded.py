"""The embedded default as a caller hears it: local models, the whole machine, one call."""

from collections.abc import Iterator

from benchmarks.figures import Figure, percentile
from benchmarks.gaps import EnergyMeter, turns
from benchmarks.platform import platform
from benchmarks.speech import QUESTIONS, utterances
from benchmarks.wire import CueKind, Step, WireCaller

_PROMPT = (
    "You are the receptionist of Maple Street Clinic. Open Monday to Friday 9 to 5, Saturday 10 to 2. "
    "Parking is free behind the building. A check up costs 80 dollars."
)


def measure(calls: int = 3) -> Iterator[Figure]:
    """Heard gap of the local models."""
    sounds = utterances(QUESTIONS)
    gaps: list[float] = []
    ledger: list[str] = []
    with platform({}) as up:
        agent = up.agent(
            "+15550100", prompt=_PROMPT, greeting_message="Maple Street Clinic, how can I help you?"
        )
        for _ in range(calls):
            caller = WireCaller(seed=11)
            script = [*(Step(CueKind.AFTER, 1200, sound) for sound in sounds), Step(CueKind.AFTER, 1500)]
            call = caller.call(up.dial("+15550100"), script)
            caller.run(90.0)
            caller.close()
            gaps += [turn.gap_ms for turn in turns(call.log, EnergyMeter()) if turn.gap_ms is not None]
        for call_row in up.settled(agent, calls):
            ledger += [str(turn["stages"]) for turn in up.ledger(call_row["call_id"])]
    how = f"{len(gaps)} turns in {calls} calls; Whisper tiny.en, 1.5B language model, hibari; caller's wire"
    yield Figure("embedded_heard_gap_p50", percentile(gaps, 0.5), "ms", "<= 2000", how)
    yield Figure(
        "embedded_heard_gap_p95", percentile(gaps, 0.95), "ms", None, f"stages of a turn: {ledger[-1:]}"
    )
