"""Registration at a trunk that is not ours: right and wrong passwords, refreshed, taken back, called through."""

import asyncio
import ssl
from collections.abc import AsyncIterator, Iterator
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import pytest
from benchmarks.ports import free_port, some_rtp_ports

from tests.interop import sipp
from tests.interop.certificates import authority
from tests.interop.kamailio import PASSWORD, Kamailio
from tests.interop.sipp_run import Sipp
from trunkline.errors import BadInput
from trunkline.voice.lines.line import IncomingCall
from trunkline.voice.lines.registration import Registration, RegistrationState, Standing
from trunkline.voice.lines.sip import SipEngine

pytestmark = [pytest.mark.peer("kamailio"), pytest.mark.peer("sipp")]

NUMBER = "+15550100"
REGISTERED = Standing(RegistrationState.REGISTERED)


@pytest.fixture
def trunk(tmp_path: Path) -> Iterator[Kamailio]:
    with Kamailio(tmp_path) as kamailio:
        yield kamailio


@pytest.fixture
def rung() -> "asyncio.Queue[IncomingCall]":
    return asyncio.Queue()


@pytest.fixture
async def engine(rung: "asyncio.Queue[IncomingCall]") -> AsyncIterator[SipEngine]:
    made = SipEngine(port=free_port(), rtp_ports=some_rtp_ports())
    await made.start(rung.put)
    yield made
    await made.stop()


def at(trunk: Kamailio, **changes: object) -> Registration:
    return replace(Registration(NUMBER, trunk.host, "alice", PASSWORD, expires=60), **changes)  # type: ignore[arg-type]


async def standing(engine: SipEngine, registration: Registration) -> Standing:
    """What is heard first."""
    heard: asyncio.Queue[Standing] = asyncio.Queue()
    await engine.register(registration, heard.put_nowait)
    return await asyncio.wait_for(heard.get(), 10)


@pytest.mark.parametrize("transport", ["udp", "tcp"])
async def test_a_call_to_the_address_rings_here(
    trunk: Kamailio, engine: SipEngine, rung: "asyncio.Queue[IncomingCall]", tmp_path: Path, transport: str
) -> None:
    assert await standing(engine, at(trunk, transport=transport)) == REGISTERED
    caller = Sipp(
        tmp_path,
        sipp.invite("alice") + sipp.answered() + sipp.ack("alice") + sipp.pause(500) + sipp.bye("alice"),
        trunk.host,
    )
    call = await asyncio.wait_for(rung.get(), 10)
    assert (call.dialled, call.registered, call.transport) == ("alice", NUMBER, transport)
    await call.line.answer()
    await asyncio.to_thread(caller.finish)


async def test_it_registers_over_tls(
    trunk: Kamailio, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """TLS ends at a front of our own: Debian keeps Kamailio's in a package apart."""
    signed = authority(tmp_path)
    monkeypatch.setenv("SSL_CERT_FILE", str(signed.certificate))
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(signed.server.chain, signed.server.key)

    async def passed_on(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        kamailio = await asyncio.open_connection("127.0.0.1", trunk.port)
        await asyncio.gather(_pumped(reader, kamailio[1]), _pumped(kamailio[0], writer))

    engine = SipEngine(port=free_port(), rtp_ports=some_rtp_ports())
    await engine.start(_ignored)
    try:
        async with await asyncio.start_server(passed_on, "127.0.0.1", 0, ssl=context) as front:
            port = front.sockets[0].getsockname()[1]
            registration = at(trunk, domain=f"localhost:{port}", transport="tls")
            assert await standing(engine, registration) == REGISTERED
            await engine.unregister(registration)
            await engine.stop()
    finally:
        await engine.stop()
    assert trunk.registers() == [("alice", 60), ("alice", 0)]


async def _ignored(call: IncomingCall) -> None:
    return


async def _pumped(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with suppress(ConnectionError):
        while data := await reader.read(4096):
            writer.write(data)
    writer.close()


async def test_a_wrong_password_is_told(trunk: Kamailio, engine: SipEngine) -> None:
    wrong = at(trunk, password="wrong")
    assert await standing(engine, wrong) == Standing(RegistrationState.FAILED, 403, "Forbidden")
    await engine.unregister(wrong)
    assert await standing(engine, at(trunk)) == REGISTERED


async def test_a_registrar_that_is_not_there_is_told(engine: SipEngine) -> None:
    nobody = Registration(NUMBER, f"127.0.0.1:{free_port()}", "alice", PASSWORD, transport="tcp")
    told = await standing(engine, nobody)
    assert (told.state, told.code) == (RegistrationState.FAILED, None)
    assert told.reason


async def test_it_is_refreshed_and_taken_back(trunk: Kamailio, engine: SipEngine) -> None:
    heard: asyncio.Queue[Standing] = asyncio.Queue()
    registration = at(trunk, expires=2)
    await engine.register(registration, heard.put_nowait)
    for _ in range(2):
        assert await asyncio.wait_for(heard.get(), 10) == REGISTERED
    await engine.unregister(registration)
    assert trunk.registers()[0] == ("alice", 2)
    assert trunk.registers()[-1] == ("alice", 0)
    assert heard.empty()


async def test_other_settings_for_the_same_address(
    trunk: Kamailio, engine: SipEngine, rung: "asyncio.Queue[IncomingCall]", tmp_path: Path
) -> None:
    """The former agent stays in the stack; calls are for the number that is registered now."""
    former, now = at(trunk), at(trunk, number="+15550199", expires=120)
    await standing(engine, former)
    await engine.unregister(former)
    assert await standing(engine, now) == REGISTERED
    caller = Sipp(tmp_path, sipp.invite("alice") + sipp.refused("alice", 486), trunk.host)
    call = await asyncio.wait_for(rung.get(), 10)
    assert call.registered == "+15550199"
    await call.line.hang_up()
    await asyncio.to_thread(caller.finish)


async def test_settings_that_cannot_travel_are_named(engine: SipEngine) -> None:
    for wrong in (
        Registration(NUMBER, "127.0.0.1", "alice", 'a"b'),
        Registration(NUMBER, "127.0.0.1", "alice", PASSWORD, transport="sctp"),
    ):
        with pytest.raises(BadInput):
            await engine.register(wrong, print)
