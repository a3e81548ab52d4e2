"""The kernel's view of the SIP stack's TCP connections (/proc/net/tcp): the one armed timer of each is the keep-alive's."""

import asyncio
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from benchmarks.ports import free_port, some_rtp_ports

from tests.interop.program import Answerer
from trunkline.voice.lines.line import IncomingCall
from trunkline.voice.lines.sip import SipEngine
from trunkline.voice.lines.sip_keepalive import IDLE_SECONDS

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="reads /proc/net/tcp")

_KEEP_ALIVE = "02"
_TICKS_A_SECOND = 100


@pytest.fixture
async def engine() -> AsyncIterator[SipEngine]:
    made = SipEngine(port=free_port(), rtp_ports=some_rtp_ports())

    async def refuse(call: IncomingCall) -> None:
        await call.line.hang_up()

    await made.start(refuse)
    yield made
    await made.stop()


def probed_in(ours: int | None = None, theirs: int | None = None) -> float | None:
    """Seconds until a connection between these ports is probed, by the side named first; None: it is not."""
    for line in Path("/proc/net/tcp").read_text().splitlines()[1:]:
        _, local, remote, _, _, timer, *_ = line.split()
        ports = int(local.partition(":")[2], 16), int(remote.partition(":")[2], 16)
        kind, _, left = timer.partition(":")
        if kind == _KEEP_ALIVE and ports in {(ours, ports[1]), (ports[0], theirs)}:
            return int(left, 16) / _TICKS_A_SECOND
    return None


async def is_probed(ours: int | None = None, theirs: int | None = None) -> bool:
    for _ in range(500):  # at first the timer is that of what was just sent
        left = probed_in(ours, theirs)
        if left is not None:
            return 0 < left <= IDLE_SECONDS
        await asyncio.sleep(0.02)
    return False


async def test_a_connection_that_comes_in(engine: SipEngine) -> None:
    _, writer = await asyncio.open_connection("127.0.0.1", engine.port)
    assert await is_probed(ours=engine.port)
    writer.close()
    await writer.wait_closed()


async def test_a_connection_of_a_call_that_goes_out(engine: SipEngine) -> None:
    with Answerer(mode="echo") as answerer:
        line = await engine.dial(f"sip:100@127.0.0.1:{answerer.port};transport=tcp", None, {}, 10.0)
        assert await is_probed(theirs=answerer.port)
        await line.hang_up()
