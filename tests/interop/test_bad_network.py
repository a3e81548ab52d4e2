"""SIP calls whose packets are lost on their way: the stack tells what was lost."""

import asyncio
import random
import socket
from typing import Any

import numpy as np
import pytest
from benchmarks.ports import free_port, some_rtp_ports
from benchmarks.wire import CueKind, Step, WireCaller

from benchmarks import mulaw
from trunkline.voice.lines.line import IncomingCall
from trunkline.voice.lines.sip import SipEngine


class BadNetwork:
    """A socket whose packets get lost; all else is the socket's."""

    def __init__(self, rtp: socket.socket, loss: float, burst: float, seed: int) -> None:
        self._rtp = rtp
        self._loss, self._burst = loss, burst
        self._dice = random.Random(seed)
        self._losing = False
        self.numbers: list[int] = []
        self.lost: list[int] = []

    def sendto(self, data: bytes, address: tuple[str, int]) -> int:
        number = int.from_bytes(data[2:4], "big")
        self.numbers.append(number)
        begins = self._loss / self._burst / (1 - self._loss)
        self._losing = self._dice.random() < (1 - 1 / self._burst if self._losing else begins)
        # The first and the last packets arrive: what is lost beyond them nobody can know of.
        if self._losing and len(self.numbers) > 5:
            self.lost.append(number)
            return len(data)
        return self._rtp.sendto(data, address)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._rtp, name)

    @property
    def lost_percent(self) -> float:
        """Of those up to the last that arrived."""
        while self.numbers and self.lost and self.numbers[-1] == self.lost[-1]:
            self.numbers.pop()
            self.lost.pop()
        return 100 * len(self.lost) / len(self.numbers)


@pytest.mark.parametrize(("loss", "burst"), [(0.05, 1.0), (0.1, 3.0)], ids=["random", "in bursts"])
async def test_the_line_tells_what_was_lost(loss: float, burst: float) -> None:
    lines: list[IncomingCall] = []

    async def answer(call: IncomingCall) -> None:
        lines.append(call)
        await call.line.answer()

    port = free_port()
    engine = SipEngine(port=port, rtp_ports=some_rtp_ports())
    await engine.start(answer)
    caller = WireCaller()
    tone = (4000 * np.sin(np.arange(8000 * 6) * 0.2)).astype("<i2").tobytes()
    call = caller.call(
        f"sip:100@127.0.0.1:{port}", [Step(CueKind.AT, 0, mulaw.encode(tone)), Step(CueKind.AT, 6000)]
    )
    network = BadNetwork(call.rtp, loss, burst, seed=11)
    call.rtp = network  # type: ignore[assignment]
    try:
        await asyncio.to_thread(caller.run, 9.0)
        [heard] = lines
        for _ in range(250):  # told a moment after the end
            if (stats := heard.line.stats()).packets_lost is not None:
                break
            await asyncio.sleep(0.02)
    finally:
        caller.close()
        await engine.stop()
    assert stats.packets_lost is not None and stats.packets_received is not None
    told = 100 * stats.packets_lost / (stats.packets_lost + stats.packets_received)
    assert len(network.lost) > 5
    assert told == pytest.approx(network.lost_percent, abs=0.1)
