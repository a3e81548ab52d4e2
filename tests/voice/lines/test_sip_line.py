"""The SIP line against the contract: the other end is a second engine in a process of its own."""

import asyncio
from collections.abc import AsyncIterator, Iterator

import pytest

from tests.interop.program import Answerer, free_sip_port, some_rtp_ports
from tests.voice.lines.contract import LineContract
from trunkline.voice.conversation.events import ClosedBy, LineClosed
from trunkline.voice.lines.line import IncomingCall
from trunkline.voice.lines.sip import SipEngine


@pytest.fixture(scope="module")
def peer() -> Iterator[Answerer]:
    with Answerer(mode="listen") as program:
        yield program


class FarEnd:
    """The other party, by its program."""

    def __init__(self, peer: Answerer) -> None:
        self.peer = peer
        self.keys = ""
        self.answered = False

    async def _event(self, name: str, seconds: float = 5.0) -> dict[str, object]:
        return await asyncio.to_thread(self.peer.wait_for, name, seconds)

    async def _up(self) -> None:
        if not self.answered:
            await self._event("dialled")
            self.answered = True

    async def say(self, frames: int) -> None:
        await self._up()
        self.peer.tell("say", frames=frames)

    async def loud_samples(self) -> int:
        await self._up()
        self.peer.tell("report")
        report = await self._event("report")
        talks = report["talks"]
        assert isinstance(talks, list)
        return int(talks[0]["loud"])

    async def digits(self) -> str:
        keys = [event["data"] for event in self.peer.drain() if event.get("kind") == "Digit"]
        return "".join(keys)

    async def press(self, digits: str) -> None:
        await self._up()
        self.peer.tell("digits", digits=digits)

    async def hang_up(self) -> None:
        # Whichever state its dialling is in, one of the two ends it.
        self.peer.tell("cancel")
        self.peer.tell("hang_up")

    async def closed(self) -> LineClosed | None:
        for event in self.peer.drain():
            if event["event"] in ("closed", "dial_failed"):
                by = ClosedBy(event.get("by", "remote"))
                return LineClosed(by, str(event.get("reason", "")), event["code"])
        return None


class SipJoint:
    def __init__(self, call: IncomingCall, peer: Answerer) -> None:
        self.call = call
        self.line = call.line
        self.far = FarEnd(peer)

    async def pass_ticks(self, ticks: int) -> None:
        await asyncio.sleep(0.02 * ticks)


class TestSipLine(LineContract):
    @pytest.fixture
    async def joint(self, peer: Answerer) -> AsyncIterator[SipJoint]:
        rung: asyncio.Future[IncomingCall] = asyncio.get_running_loop().create_future()

        async def incoming(call: IncomingCall) -> None:
            rung.set_result(call)

        port = free_sip_port()
        engine = SipEngine(port=port, rtp_ports=some_rtp_ports())
        await engine.start(incoming)
        peer.drain().clear()
        peer.tell("dial", target=f"sip:100@127.0.0.1:{port}", ring_timeout=10)
        yield SipJoint(await asyncio.wait_for(rung, 5), peer)
        await engine.stop()

    async def test_the_call_says_who_and_whom(self, joint: SipJoint) -> None:
        assert (joint.call.dialled, joint.call.caller, joint.call.transport) == ("100", "trunkline", "udp")
