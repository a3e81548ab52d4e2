"""Calls over bad lines on the tick clock: they come to their end, and what was lost is told right."""

from dataclasses import replace

import pytest

from tests.voice.driver.test_ticked import AGENT, CALLER, RATE, SlowModel, agent_says, caller_says, leg, said
from trunkline.voice.conversation.events import Kind, Note
from trunkline.voice.conversation.profile import Profile
from trunkline.voice.conversation.session import Session
from trunkline.voice.driver.latency import SeededLatency
from trunkline.voice.driver.ticked import run
from trunkline.voice.lines.line import LineStats
from trunkline.voice.lines.loopback import Impairments, Loopback
from trunkline.voice.speech.twins import LevelActivity


async def impaired(bad: Impairments, **changes: float) -> tuple[list[Note], LineStats, int]:
    """The agent's notes, its line's statistics and the packets sent to it, with the same ills both ways."""
    lines = Loopback(RATE, bad, replace(bad, seed=bad.seed + 1, silence=(0, 0)))
    await lines.near.answer()
    notes: list[Note] = []
    agent = Profile(**(AGENT.__dict__ | changes))
    persona = Profile(**(CALLER.__dict__ | changes))
    legs = [
        leg(Session(agent, RATE), lines.near, notes, SeededLatency(bad.seed), agent, llm=SlowModel(agent_says)),
        leg(Session(persona, RATE), lines.far, [], SeededLatency(9), persona, llm=SlowModel(caller_says)),
    ]  # fmt: skip
    await run(legs, LevelActivity(), lines.advance, most_ms=180_000)
    sent = lines.far.stats().packets_sent
    assert sent is not None
    return notes, lines.near.stats(), sent


def lost_share(stats: LineStats) -> float:
    assert stats.packets_lost is not None and stats.packets_received is not None
    return stats.packets_lost / (stats.packets_lost + stats.packets_received)


@pytest.mark.parametrize("burst", [1.0, 4.0], ids=["random", "in bursts"])
@pytest.mark.parametrize("loss", [0.01, 0.03, 0.05, 0.1])
async def test_calls_over_lossy_lines_with_jitter_come_to_their_end(loss: float, burst: float) -> None:
    bad = Impairments(loss=loss, burst=burst, jitter_ms=60, seed=round(loss * 100) * 10)
    notes, stats, sent = await impaired(bad)
    assert [note.data["reason"] for note in notes if note.kind == Kind.ENDED] in (
        [["human_ended"], ["agent_ended"], ["max_duration"]]
    )
    assert said(notes, Kind.AGENT_SAID)
    # Every packet counts once: what came, what was lost, and what is on its way when the call ends.
    assert stats.packets_lost is not None and stats.packets_received is not None
    assert sent - 5 <= stats.packets_lost + stats.packets_received <= sent


async def test_losses_come_in_runs_of_the_length_that_is_set() -> None:
    bad = Impairments(loss=0.1, burst=5.0, seed=3)
    lines = Loopback(RATE, bad)
    await lines.near.answer()
    there = []
    for _ in range(20_000):
        lines.advance()
        there.append(bool(lines.near.read()))
    runs = "".join("x" if one else " " for one in there).split("x")
    lengths = [len(run) for run in runs if run]
    assert 4.5 < sum(lengths) / len(lengths) < 5.5
    assert 0.08 < lost_share(lines.near.stats()) < 0.12


async def test_jitter_loses_nothing_and_changes_no_order() -> None:
    lines = Loopback(RATE, Impairments(jitter_ms=60, mulaw=False, seed=4))
    await lines.near.answer()
    heard, empty = bytearray(), 0
    for number in range(500):
        lines.far.write(number.to_bytes(2, "little") * 160)
        lines.advance()
        frame = lines.near.read()
        heard += frame
        empty += not frame
    assert empty > 50
    numbers = [int.from_bytes(heard[at : at + 2], "little") for at in range(0, len(heard), 320)]
    assert numbers == list(range(len(numbers))) and len(numbers) >= 496


async def test_a_caller_who_cannot_be_heard_for_30_s_is_heard_again() -> None:
    notes, stats, _ = await impaired(
        Impairments(silence=(2_000, 32_000), seed=5),
        allowed_idle=60.0, max_duration=60.0, reminder_after_idle=8.0, max_reminders=9,
    )  # fmt: skip
    heard = [note.at_ms for note in notes if note.kind == Kind.CALLER_SAID]
    assert heard and min(heard) > 32_000
    assert stats.packets_lost == 1500
    assert notes[-1].kind == Kind.ENDED
