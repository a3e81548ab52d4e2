"""After a transfer that failed the agent has the caller back: in ticks of the call's own clock, for every failure.

Between two ticks everything that is not timed comes to rest, so what is counted is what the beat takes and nothing of
the machine's speed.
"""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

import pytest

from tests.host.rig import Rig
from tests.host.test_transfers import Desk, asking, finished, nobody, refuses
from tests.host.transferring import DESK, attach
from trunkline.errors import DialFailed
from trunkline.host.consult import Consult, Verdict
from trunkline.resources.agents.models import Agent
from trunkline.voice.lines.line import Trunk
from trunkline.voice.lines.loopback import LoopbackLine
from trunkline.voice.lines.loopback_engine import LoopbackEngine

SECOND = 50
"""Ticks."""
REST = 20
"""Rounds of the loop after which nothing untimed is under way."""


class Clock:
    """Counts the ticks from the moment in which a transfer could still have gone well."""

    def __init__(self, rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
        self._rig = rig
        self.ticks = 0
        self.failed_at: int | None = None
        dial, ask = LoopbackEngine.dial, Consult.ask

        async def dialled(
            engine: LoopbackEngine, target: str, trunk: Trunk | None, headers: dict[str, str], seconds: float
        ) -> LoopbackLine:
            try:
                return await dial(engine, target, trunk, headers, seconds)
            except DialFailed:
                self.failed_at = self.ticks
                raise

        async def asked(consult: Consult) -> Verdict:
            verdict = await ask(consult)
            self.failed_at = self.ticks
            return verdict

        monkeypatch.setattr(LoopbackEngine, "dial", dialled)
        monkeypatch.setattr(Consult, "ask", asked)

    async def until(self, so: Callable[[], bool]) -> None:
        async with asyncio.timeout(30):
            while not so():
                self.ticks += 1
                await self._rig.wait(1)
                for _ in range(REST):
                    await asyncio.sleep(0)


Person = Callable[[Clock, Desk], Awaitable[None]]


async def declines_by_key(clock: Clock, desk: Desk) -> None:
    await clock.until(lambda: "press 2." in desk.heard)
    assert desk.person is not None
    await desk.person.line.send_digits("2")


async def declines_by_voice(clock: Clock, desk: Desk) -> None:
    await clock.until(lambda: "press 2." in desk.heard)
    assert desk.person is not None
    desk.person.say("no thanks")


async def hangs_up(clock: Clock, desk: Desk) -> None:
    await clock.until(lambda: desk.person is not None and desk.person.hears_sound)
    assert desk.person is not None
    await desk.person.line.hang_up()


async def is_a_machine(clock: Clock, desk: Desk) -> None:
    await clock.until(lambda: desk.person is not None)
    assert desk.person is not None
    desk.person.say("please leave a message after the tone")


async def is_silent(clock: Clock, desk: Desk) -> None: ...


@dataclass(frozen=True)
class Failure:
    """How somebody fails to take the caller."""

    reason: str
    person: Person | None = None
    """What they do who pick up; None: nobody does."""
    phone: Callable[[LoopbackLine], Awaitable[None]] | None = None
    settings: dict[str, Any] = field(default_factory=dict)


NOT_ANSWERED = {
    "unreachable": Failure("no_response"),
    "busy": Failure("busy", phone=refuses),
    "rings on": Failure("not_answered", phone=nobody, settings={"timeout": 0.2}),
}
ANSWERED = {
    "declines by key": Failure("declined", declines_by_key, settings={"screened": True}),
    "declines by voice": Failure("declined", declines_by_voice, settings={"screened": True}),
    "hangs up": Failure("declined", hangs_up),
    "a machine": Failure("answered_by_machine", is_a_machine, settings={"human_detection": True}),
    "silence": Failure(
        "not_answered",
        is_silent,
        settings={"human_detection": True, "human_detection_timeout_seconds": 2},
    ),
}
WARM = ("warm_transfer", "warm_transfer_with_context")
CELLS = [
    *(pytest.param(WARM[0], each, id=f"{WARM[0]} {name}") for name, each in ANSWERED.items()),
    *(
        pytest.param(mode, each, id=f"{mode} {name}")
        for mode in (*WARM, "cold_transfer")
        for name, each in NOT_ANSWERED.items()
    ),
]


@pytest.mark.parametrize(("mode", "failure"), CELLS)
async def test_the_agent_hears_and_speaks_again_within_a_second(
    rig: Rig,
    agent: Agent,
    monkeypatch: pytest.MonkeyPatch,
    mode: str,
    failure: Failure,
) -> None:
    await attach(rig, agent, transfer_mode=mode, **failure.settings)
    clock = Clock(rig, monkeypatch)
    if failure.phone is not None:
        rig.engine.phones[DESK] = failure.phone
    caller = await asking(rig)
    if failure.person is not None:
        await failure.person(clock, Desk(rig))
    await clock.until(lambda: clock.failed_at is not None)
    assert clock.failed_at is not None
    await clock.until(lambda: not caller.hears_sound)
    await clock.until(lambda: caller.hears_sound)
    assert clock.ticks - clock.failed_at <= SECOND
    await clock.until(lambda: f"It ended with {failure.reason}." in caller.heard)
    caller.say("are you still there")
    await clock.until(lambda: "You said are you still there." in caller.heard)
    await caller.line.hang_up()
    _, value = await finished(rig)
    assert value["failed_reason"] == failure.reason
