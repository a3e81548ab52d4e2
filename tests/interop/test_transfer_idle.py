"""A blind transfer late in a call over TCP, whose connection the other side has closed meanwhile, as some PBXs do."""

import asyncio
import re
from typing import Any

import pytest
from benchmarks.ports import free_port

from tests.interop import sipp
from tests.interop.handset import Handset
from tests.interop.house import House, attach
from tests.resources.calls.conftest import NUMBER
from trunkline.resources.agents.models import Agent


class Pbx:
    """Calls over TCP, and takes requests in the call on whatever connection they come."""

    def __init__(self, port: int, media_port: int) -> None:
        self._port = port
        self._body = (
            sipp.sdp(port=media_port).replace("[local_ip]", "127.0.0.1").replace("[media_ip]", "127.0.0.1")
        )
        self.asked: list[str] = []
        """Methods, in order, on connections that were opened to us."""
        self._tag = ""

    async def call(self, house: House) -> None:
        """INVITE, 200, ACK; then the connection is closed."""
        reader, writer = await asyncio.open_connection("127.0.0.1", house.engine.port)
        uri = f"sip:{NUMBER}@{house.address}"
        writer.write(self._request("INVITE", uri, 1, self._body))
        while not (answer := await _message(reader)).startswith("SIP/2.0 200"):
            assert answer.startswith("SIP/2.0 1"), answer
        found = re.search(r"^To: .*?;tag=(\S+)", answer, re.MULTILINE)
        assert found is not None, answer
        self._tag = found[1]
        writer.write(self._request("ACK", uri, 1))
        await writer.drain()
        writer.close()
        await writer.wait_closed()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Answer what comes; a REFER is done at once."""
        while message := await _message(reader):
            method = message.split(" ", 1)[0]
            if method == "SIP/2.0":
                continue
            self.asked.append(method)
            if method == "ACK":
                continue
            status = "202 Accepted" if method == "REFER" else "200 OK"
            writer.write(self._answer(message, status, self._body if method == "INVITE" else ""))
            if method == "REFER":
                state = "Event: refer\r\nSubscription-State: terminated;reason=noresource\r\n"
                frag = f"{state}Content-Type: message/sipfrag\r\n"
                writer.write(self._request("NOTIFY", _contact(message), 2, "SIP/2.0 200 OK\r\n", frag))
            await writer.drain()
        writer.close()

    def _request(self, method: str, uri: str, number: int, body: str = "", extra: str = "") -> bytes:
        kind = "Content-Type: application/sdp\r\n" if method == "INVITE" else ""
        tag = f";tag={self._tag}" if self._tag else ""
        body = body.replace("\r\n", "\n").replace("\n", "\r\n")
        return (
            f"{method} {uri} SIP/2.0\r\nVia: SIP/2.0/TCP 127.0.0.1:{self._port};branch=z9hG4bK{method}{number}\r\n"
            f"From: <sip:pbx@127.0.0.1>;tag=pbx\r\nTo: <sip:{NUMBER}@127.0.0.1>{tag}\r\nCall-ID: idle-{self._port}\r\n"
            f"CSeq: {number} {method}\r\nContact: <sip:pbx@127.0.0.1:{self._port};transport=tcp>\r\n"
            f"Max-Forwards: 70\r\n{kind}{extra}Content-Length: {len(body)}\r\n\r\n{body}"
        ).encode()

    def _answer(self, request: str, status: str, body: str) -> bytes:
        kept = re.findall(r"^(?:Via|From|To|Call-ID|CSeq): .*$", request.replace("\r", ""), re.MULTILINE)
        kind = "Content-Type: application/sdp\r\n" if body else ""
        body = body.replace("\n", "\r\n")
        contact = f"Contact: <sip:pbx@127.0.0.1:{self._port};transport=tcp>\r\n"
        head = "\r\n".join(kept)
        return (
            f"SIP/2.0 {status}\r\n{head}\r\n{contact}{kind}Content-Length: {len(body)}\r\n\r\n{body}".encode()
        )


async def _message(reader: asyncio.StreamReader) -> str:
    """The next message; "" at the end of the connection."""
    try:
        head = (await reader.readuntil(b"\r\n\r\n")).lstrip(b"\r\n")
    except (asyncio.IncompleteReadError, ConnectionError):
        return ""
    length = re.search(rb"^Content-Length: *(\d+)", head, re.MULTILINE | re.IGNORECASE)
    body = await reader.readexactly(int(length[1])) if length else b""
    return (head + body).decode()


def _contact(message: str) -> str:
    found = re.search(r"^Contact: *<([^>]+)>", message, re.MULTILINE)
    assert found is not None, message
    return found[1]


async def transferred(house: House, agent: Agent, handset: Handset) -> dict[str, Any]:
    """The caller asks for a person; what came of it."""
    await house.until(lambda: bool(house.host.live()))
    for _ in range(4):
        handset.say("person")
        await asyncio.sleep(1.0)
        if any("person" in heard for heard in house.ears.heard):
            break
    _, (value,) = await house.finished()
    return value


@pytest.mark.parametrize("listens", [True, False], ids=["reopened", "nobody listens"])
async def test_its_connection_is_gone(house: House, agent: Agent, listens: bool) -> None:
    port = free_port()
    nobody = f"sip:desk@127.0.0.1:{free_port()}"
    await attach(house, agent, phone=nobody, transfer_mode="cold_transfer", timeout=1)
    with Handset() as handset:
        pbx = Pbx(port, handset.port)
        server = await asyncio.start_server(pbx.serve, "127.0.0.1", port)
        await pbx.call(house)
        if not listens:
            server.close()
            await server.wait_closed()
        asking = asyncio.create_task(transferred(house, agent, handset))
        if not listens:
            await house.until(lambda: house.told_of("no_response"))
            for call in house.host.live():
                call.cut_off("The test is over.")
        value = await asking
        server.close()
    if listens:
        assert value["status"] == "transfer-success"
        assert pbx.asked[:3] == ["INVITE", "ACK", "REFER"], "on a connection that was opened again"
    else:
        assert [each["status"] for each in value["attempts"]] == ["failed", "failed"]
