"""The SIP line against the contract: the other end is a second engine in a process of its own."""

import asyncio
from collections.abc import AsyncIterator, Iterator

import pytest
from benchmarks.ports import free_port, some_rtp_ports

from tests.interop.program import Answerer
from tests.voice.lines.contract import LineContract
from trunkline.voice.conversation.events import ClosedBy, LineClosed
from trunkline.voice.lines.line import IncomingCall
from trunkline.voice.lines.sip import SipEngine
from trunkline.voice.lines.sip_config import CODECS


@pytest.fixture(scope="module")
def peer() -> Iterator[Answerer]:
    with Answerer(mode="listen") as program:
        yield program


class FarEnd:
    """The other party, by its program; events of other calls, which may come late, are not its own."""

    def __init__(self, peer: Answerer, call_id: str, target: str, rate: int) -> None:
        self.peer = peer
        self.call_id = call_id
        self.target = target
        self.rate = rate
        self.answered = False

    async def _up(self) -> None:
        if not self.answered:
            await asyncio.to_thread(self.peer.wait_for, "dialled", 5.0, call=self.call_id)
            self.answered = True

    async def say(self, frames: int) -> None:
        await self._up()
        self.peer.tell("say", frames=frames)

    async def loud_samples(self) -> int:
        await self._up()
        self.peer.tell("report")
        report = await asyncio.to_thread(self.peer.wait_for, "report")
        return (
            self.rate
            // 8000
            * int(next(talk["loud"] for talk in report["talks"] if talk["call"] == self.call_id))
        )

    async def digits(self) -> str:
        seen = self.peer.drain()
        return "".join(
            event["data"] for event in seen if event.get("kind") == "Digit" and event["call"] == self.call_id
        )

    async def press(self, digits: str) -> None:
        await self._up()
        self.peer.tell("digits", digits=digits)

    async def hang_up(self) -> None:
        # Whichever state its dialling is in, one of the two ends it.
        self.peer.tell("cancel")
        self.peer.tell("hang_up")

    async def closed(self) -> LineClosed | None:
        for event in self.peer.drain():
            if event["event"] == "closed" and event["call"] == self.call_id:
                return LineClosed(ClosedBy(event["by"]), event["reason"], event["code"])
            if event["event"] == "dial_failed" and event["target"] == self.target:
                return LineClosed(ClosedBy.REMOTE, event["error"], event["code"])
        return None


class SipJoint:
    def __init__(self, call: IncomingCall, far: FarEnd) -> None:
        self.call = call
        self.line = call.line
        self.far = far

    async def pass_ticks(self, ticks: int) -> None:
        await asyncio.sleep(0.02 * ticks)


class TestSipLine(LineContract):
    """In G.711."""

    codecs: tuple[str, ...] = ("pcmu", "pcma")
    long = 80

    @pytest.fixture
    async def joint(self, peer: Answerer) -> AsyncIterator[SipJoint]:
        rung: asyncio.Future[IncomingCall] = asyncio.get_running_loop().create_future()

        async def incoming(call: IncomingCall) -> None:
            rung.set_result(call)

        port = free_port()
        engine = SipEngine(port=port, rtp_ports=some_rtp_ports(), codecs=self.codecs)
        await engine.start(incoming)
        target = f"sip:100@127.0.0.1:{port}"
        peer.tell("dial", target=target, ring_timeout=30)
        call = await asyncio.wait_for(rung, 30)
        yield SipJoint(call, FarEnd(peer, call.call_id, target, self.rate))
        await engine.stop()

    async def test_the_call_says_who_and_whom(self, joint: SipJoint) -> None:
        assert (joint.call.dialled, joint.call.caller, joint.call.transport) == ("100", "trunkline", "udp")


class TestWideSipLine(TestSipLine):
    """In G.722."""

    codecs = CODECS
    rate = 16_000
