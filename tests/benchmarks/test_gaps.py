"""The gap meters on planted gaps: both within 20 ms of the truth and of each other within 100 ms."""

import random
from pathlib import Path

import pytest
from benchmarks.gaps import EnergyMeter, Meter, ModelMeter, disagreement_ms, turns
from benchmarks.wire import FRAME_NS, Track, WireLog

from benchmarks import mulaw
from tests.benchmarks.speech import spoken

START = 1_700_000_000_000_000_000
SURE = (1, 2, 3, 4, 5)
"""Seeds of voices that the model takes for speech from the first packet on …"""
SURE_TO_THE_END = (1, 3, 5)
"""… and, wherever they are cut off, to the last."""
Plan = list[tuple[int, list[bytes]]]
"""What is said, and in which 20 ms it begins."""


def planted(caller: Plan, agent: Plan, frames: int, agent_lag_ns: int = 3_000_000) -> WireLog:
    log = WireLog(ended_ns=START + frames * FRAME_NS)
    _fill(log.sent, caller, frames, START)
    _fill(log.heard, agent, frames, START + agent_lag_ns)
    log.steps = [(START + at * FRAME_NS, START + (at + len(said) - 1) * FRAME_NS) for at, said in caller]
    return log


def _fill(track: Track, plan: Plan, frames: int, start_ns: int) -> None:
    payloads = [mulaw.SILENCE] * frames
    for at, said in plan:
        payloads[at : at + len(said)] = said
    for index, payload in enumerate(payloads):
        track.add(start_ns + index * FRAME_NS, index, payload)


@pytest.fixture(params=["energy", pytest.param("model", marks=pytest.mark.models("vad"))])
def meter(request: pytest.FixtureRequest, models_folder: Path) -> Meter:
    if request.param == "energy":
        return EnergyMeter()
    return ModelMeter(models_folder / "vad" / "silero_vad.onnx")


def test_a_planted_gap_is_found(meter: Meter) -> None:
    seed = random.randrange(1 << 30)
    rng = random.Random(seed)
    for _ in range(3):
        said = spoken(1.6, rng.choice(SURE_TO_THE_END))[: rng.randrange(40, 80)]
        answer = spoken(0.8, rng.choice(SURE))
        silence = rng.randrange(5, 90)
        log = planted([(40, said)], [(40 + len(said) + silence, answer)], 270)
        truth = (silence + 1) * 20 + 3
        (turn,) = turns(log, meter)
        assert turn.gap_ms == pytest.approx(truth, abs=20), f"seed {seed}"
        assert turn.stop_ms is None


@pytest.mark.parametrize("frames", [5, 10, 17])
def test_a_planted_stop_is_found(meter: Meter, frames: int) -> None:
    agent = spoken(1.0, seed=3)[: 20 + frames]
    log = planted([(60, spoken(1.0, seed=5))], [(40, agent)], 180)
    (turn,) = turns(log, meter)
    truth = (frames - 1) * 20 + 3
    assert turn.stop_ms == pytest.approx(truth, abs=20.1)
    assert turn.stop_any_ms == pytest.approx(truth, abs=20.1)
    assert turn.gap_ms is None


def test_a_quiet_tail_counts_for_the_last_packet_only() -> None:
    quiet = [b"\xfa" * 160] * 4
    log = planted([(60, spoken(1.0))], [(40, spoken(1.0)[:25] + quiet)], 180)
    (turn,) = turns(log, EnergyMeter())
    assert turn.stop_ms == pytest.approx(4 * 20 + 3)
    assert turn.stop_any_ms == pytest.approx(8 * 20 + 3)


def test_turns_are_told_apart_and_answers_belong_to_their_turn() -> None:
    said = spoken(0.5)
    log = planted([(10, said), (120, said)], [(10 + 25 + 30, spoken(0.4))], 260)
    first, second = turns(log, EnergyMeter())
    assert first.gap_ms == pytest.approx(31 * 20 + 3)
    assert second.gap_ms is None


def test_a_click_is_no_answer() -> None:
    log = planted([(10, spoken(0.5))], [(50, spoken(0.4)[:1]), (80, spoken(0.4))], 150)
    (turn,) = turns(log, EnergyMeter())
    assert turn.gap_ms == pytest.approx((80 - 34) * 20 + 3)


@pytest.mark.models("vad")
def test_lost_packets_are_silence_not_a_shift(models_folder: Path) -> None:
    log = planted([(20, spoken(0.8))], [(80, spoken(0.8))], 140)
    kept = Track()
    for index in range(len(log.heard)):
        if not 30 <= index < 45:
            kept.add(log.heard.at_ns[index], log.heard.sequence[index], log.heard.payloads[index])
    log.heard = kept
    (turn,) = turns(log, ModelMeter(models_folder / "vad" / "silero_vad.onnx"))
    assert turn.gap_ms == pytest.approx((80 - 59) * 20 + 3, abs=20.1)


@pytest.mark.models("vad")
def test_the_meters_agree(models_folder: Path) -> None:
    log = planted([(20, spoken(0.8, 4))], [(100, spoken(0.8, 2))], 160)
    energy, model = (
        turns(log, EnergyMeter()),
        turns(log, ModelMeter(models_folder / "vad" / "silero_vad.onnx")),
    )
    assert disagreement_ms(energy, model) <= 100


def test_disagreement_is_infinite_when_one_saw_nothing() -> None:
    log = planted([(20, spoken(0.5))], [(80, spoken(0.5))], 140)
    silent = planted([(20, spoken(0.5))], [], 140)
    assert disagreement_ms(turns(log, EnergyMeter()), turns(silent, EnergyMeter())) == float("inf")
