"""The SIP engine: what it refuses to start with, where it cannot dial, and how it stops."""

import asyncio
import socket

import pytest
from benchmarks.ports import free_port, some_rtp_ports

from tests.interop.program import Answerer
from trunkline.errors import BadInput, DialFailed, PortTaken, SetupError, Unavailable
from trunkline.voice.lines.line import IncomingCall, Trunk
from trunkline.voice.lines.sip import SipEngine


async def ignore(call: IncomingCall) -> None:
    """Let it ring."""


def engine(port: int | None = None, **options: object) -> SipEngine:
    return SipEngine(port=port or free_port(), rtp_ports=some_rtp_ports(), **options)  # type: ignore[arg-type]


@pytest.mark.parametrize("kind", [socket.SOCK_DGRAM, socket.SOCK_STREAM])
async def test_a_taken_port_is_named(kind: socket.SocketKind) -> None:
    port = free_port()
    with socket.socket(socket.AF_INET, kind) as holder:
        holder.bind(("127.0.0.1", port))
        with pytest.raises(PortTaken, match=rf"127\.0\.0\.1:{port}.*TRUNKLINE_SIP_PORT"):
            await engine(port).start(ignore)


async def test_an_address_that_is_not_ours_is_named() -> None:
    with pytest.raises(PortTaken, match="TRUNKLINE_BIND"):
        await SipEngine(bind="192.0.2.1", port=free_port()).start(ignore)


async def test_a_public_address_that_we_do_not_have_cannot_work() -> None:
    with pytest.raises(SetupError, match="rtpengine"):
        await engine(public_ip="192.0.2.1").start(ignore)


@pytest.mark.parametrize("ports", ["", "20000", "30000-20000", "80-90", "20000-70000", "a-b"])
def test_a_bad_rtp_range_is_named(ports: str) -> None:
    with pytest.raises(SetupError, match="TRUNKLINE_RTP_PORTS"):
        SipEngine(rtp_ports=ports)


async def test_one_engine_a_process_and_another_after_it() -> None:
    first, second = engine(), engine()
    await first.start(ignore)
    with pytest.raises(SetupError, match="One engine"):
        await second.start(ignore)
    await first.stop()
    await first.stop()
    third = engine()
    await third.start(ignore)
    await third.stop()


async def test_dialling_needs_a_running_engine() -> None:
    with pytest.raises(Unavailable):
        await engine().dial("sip:a@127.0.0.1", None, {}, 1)


async def test_dialling_where_nobody_is() -> None:
    dialler = engine()
    await dialler.start(ignore)
    try:
        with pytest.raises(DialFailed) as failed:
            await dialler.dial(f"sip:a@127.0.0.1:{free_port()}", None, {}, 1.0)
        assert failed.value.outcome == "unreachable"
        with pytest.raises(DialFailed) as failed:
            await dialler.dial(f"sip:a@127.0.0.1:{free_port()};transport=tcp", None, {}, 20.0)
        assert failed.value.outcome == "unreachable"
        with pytest.raises(BadInput):
            await dialler.dial("sip:a@127.0.0.1", None, {"X-Bad": "a\r\nb"}, 1.0)
        with pytest.raises(BadInput, match="trunk"):
            await dialler.dial("+4930", Trunk("host", username='a"b', caller_id="x y"), {}, 1.0)
    finally:
        await dialler.stop()


async def test_a_trunk_carries_number_and_caller_id() -> None:
    dialler = engine()
    await dialler.start(ignore)
    try:
        with Answerer(mode="listen") as far:
            trunk = Trunk(f"127.0.0.1:{far.port}", transport="tcp", caller_id="+49301")
            line = await dialler.dial("+49 30 999", trunk, {"X-Agent-Id": "7", "X-EI": "8"}, 5.0)
            incoming = await asyncio.to_thread(far.wait_for, "incoming")
            await line.hang_up()
    finally:
        await dialler.stop()
    assert incoming["dialled"] == "+4930999"
    assert incoming["caller"] == "+49301"
    assert incoming["transport"] == "tcp"
    assert incoming["headers"] == {"X-Agent-Id": "7", "X-EI": "8"}


async def test_calls_to_a_trunks_user_ring_like_any_other() -> None:
    """A trunk has a user agent of its own, which must not swallow calls to its caller id, on any transport."""
    rung: asyncio.Queue[IncomingCall] = asyncio.Queue()
    called = engine()
    await called.start(rung.put)
    try:
        with Answerer(mode="listen") as far:
            line = await called.dial("100", Trunk(f"127.0.0.1:{far.port}", caller_id="555"), {}, 20.0)
            for transport in ("udp", "tcp"):
                far.tell(
                    "dial", target=f"sip:555@127.0.0.1:{called.port};transport={transport}", ring_timeout=20
                )
                call = await asyncio.wait_for(rung.get(), 30)
                assert (call.dialled, call.transport) == ("555", transport)
                await call.line.hang_up()
            await line.hang_up()
    finally:
        await called.stop()


async def test_a_handler_that_fails_refuses_the_call() -> None:
    async def fails(call: IncomingCall) -> None:
        raise RuntimeError("as planned")

    called = engine()
    await called.start(fails)
    try:
        with Answerer(mode="listen") as far:
            far.tell("dial", target=f"sip:1@127.0.0.1:{called.port}", ring_timeout=20)
            failed = await asyncio.to_thread(far.wait_for, "dial_failed")
    finally:
        await called.stop()
    assert (failed["outcome"], failed["code"]) == ("busy", 486)


async def test_a_cancelled_dial_cancels_the_call() -> None:
    dialler = engine()
    await dialler.start(ignore)
    try:
        with Answerer(mode="ring") as far:
            dialling = asyncio.create_task(dialler.dial(f"sip:1@127.0.0.1:{far.port}", None, {}, 20.0))
            await asyncio.to_thread(far.wait_for, "incoming")
            dialling.cancel()
            closed = await asyncio.to_thread(far.wait_for, "closed")
            assert closed["reason"] == "cancelled"
            with pytest.raises(asyncio.CancelledError):
                await dialling
    finally:
        await dialler.stop()


def _answer(invite: bytes, status: str) -> bytes:
    """What a phone says to a request of its own dialog."""
    kept = (b"Via:", b"From:", b"To:", b"Call-ID:", b"CSeq:")
    lines = [line for line in invite.split(b"\r\n") if line.startswith(kept)]
    tagged = [
        line + b";tag=phone" if line.startswith(b"To:") and b"tag=" not in line else line for line in lines
    ]
    return b"\r\n".join([f"SIP/2.0 {status}".encode(), *tagged, b"Content-Length: 0", b"", b""])


async def test_a_dial_that_is_cancelled_before_the_phone_has_answered_anything_is_taken_back_when_it_does() -> (
    None
):
    dialler = engine()
    await dialler.start(ignore)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as phone:
        phone.bind(("127.0.0.1", 0))
        phone.settimeout(30)
        target = f"sip:1@127.0.0.1:{phone.getsockname()[1]}"
        dialling = asyncio.create_task(dialler.dial(target, None, {}, 20.0))
        invite, peer = await asyncio.to_thread(phone.recvfrom, 65_535)
        dialling.cancel()
        with pytest.raises(asyncio.CancelledError):
            await dialling
        phone.sendto(_answer(invite, "180 Ringing"), peer)
        while not (said := await asyncio.to_thread(phone.recv, 65_535)).startswith(b"CANCEL"):
            assert said.startswith(b"INVITE")  # once more, for nobody has answered
        phone.sendto(_answer(said, "200 OK"), peer)
        phone.sendto(_answer(invite, "487 Request Terminated"), peer)
    await dialler.stop()


async def test_a_busy_loop_misses_no_answer() -> None:
    """The refusal is there before the loop has seen that the INVITE went out."""

    async def stall() -> None:
        deadline = asyncio.get_running_loop().time() + 0.3
        while asyncio.get_running_loop().time() < deadline:
            pass

    dialler = engine()
    await dialler.start(ignore)
    try:
        with Answerer(mode="refuse") as far:
            for _ in range(3):
                dialling = asyncio.create_task(dialler.dial(f"sip:1@127.0.0.1:{far.port}", None, {}, 20.0))
                await asyncio.sleep(0)
                stalling = asyncio.create_task(stall())
                with pytest.raises(DialFailed) as failed:
                    await dialling
                await stalling
                assert failed.value.outcome == "busy"
    finally:
        await dialler.stop()
