"""A thousand broken datagrams while a call is up: the call goes on, and the next one comes through."""

import random
import socket
import threading

import pytest
from benchmarks.wire import CueKind, Step, WireCaller

from tests.benchmarks.speech import spoken
from tests.interop.program import Answerer

DATAGRAMS = 1000
SECONDS = 4.0
SPEECH = b"".join(spoken(1.0))
TEMPLATE = """{method} sip:100@127.0.0.1:{port} SIP/2.0\r
Via: SIP/2.0/UDP 127.0.0.1:9;branch=z9hG4bK{n};rport\r
From: "Torture" <sip:t@127.0.0.1>;tag={n}\r
To: <sip:100@127.0.0.1>\r
Call-ID: {n}@torture\r
CSeq: {n} {method}\r
Contact: <sip:t@127.0.0.1:9>\r
Max-Forwards: 70\r
Content-Type: application/sdp\r
Content-Length: 118\r
\r
v=0\r
o=- 1 1 IN IP4 127.0.0.1\r
s=-\r
c=IN IP4 127.0.0.1\r
t=0 0\r
m=audio 9 RTP/AVP 0\r
a=rtpmap:0 PCMU/8000\r
"""
METHODS = [
    "OPTIONS", "REGISTER", "BYE", "CANCEL", "ACK", "SUBSCRIBE", "NOTIFY", "REFER", "MESSAGE", "INFO", "UPDATE",
    "PRACK", "PUBLISH", "INVITE", "FROBNICATE",
]  # fmt: skip
NASTY = [
    b"\r\n",
    b"\x00",
    b"%n%s",
    b";;;;",
    b'"',
    b"<",
    b"\xff\xfe",
    b"sip:" * 50,
    b"Via: x\r\n" * 60,
    b"-1",
    b"9" * 30,
]


def mutated(rng: random.Random, n: int, port: int) -> bytes:
    """A message with one to six things wrong with it."""
    data = bytearray(TEMPLATE.format(method=rng.choice(METHODS), port=port, n=n).encode())
    for _ in range(rng.randrange(1, 7)):
        if not data:
            break
        at = rng.randrange(len(data))
        match rng.randrange(5):
            case 0:
                data[at] = rng.randrange(256)
            case 1:
                del data[at : at + rng.randrange(1, 40)]
            case 2:
                data[at:at] = rng.choice(NASTY)
            case 3:
                del data[max(20, at) :]
            case _:
                data += data[at:]
    return bytes(data[:60000])


def torment(port: int, seed: int, done: threading.Event) -> None:
    rng = random.Random(seed)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as udp:
        udp.bind(("127.0.0.1", 0))
        for n in range(DATAGRAMS):
            udp.sendto(mutated(rng, n, port), ("127.0.0.1", port))
            done.wait(SECONDS / DATAGRAMS)


def test_a_thousand_broken_datagrams_with_a_call_up(capfd: pytest.CaptureFixture[str]) -> None:
    seed = random.randrange(1 << 30)
    caller, done = WireCaller(seed=1), threading.Event()
    with Answerer(mode="echo") as answerer:
        target = f"sip:100@127.0.0.1:{answerer.port}"
        call = caller.call(target, [Step(CueKind.AT, 4000 + 1500, SPEECH), Step(CueKind.AFTER, 300)])
        tormentor = threading.Thread(target=torment, args=(answerer.port, seed, done))
        tormentor.start()
        caller.run(12)
        done.set()
        tormentor.join()
        assert answerer.process.poll() is None, f"seed {seed}"
        afterwards = caller.call(target, [Step(CueKind.AT, 300, SPEECH), Step(CueKind.AFTER, 300)])
        caller.run(8)
        caller.close()
    for log in (call.log, afterwards.log):
        assert log.status == 200, f"seed {seed}"
        assert not log.ended_by_agent, f"seed {seed}"
        assert len(log.heard) > 0.9 * len(log.sent), f"seed {seed}"
        assert log.heard.voiced.count(1) >= 45, f"seed {seed}: the echo of 50 packets came back"
    assert "msg decode err" not in capfd.readouterr().err, "what the stack prints of each is not passed on"
