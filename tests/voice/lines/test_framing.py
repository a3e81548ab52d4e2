"""What goes into a WebSocket message and comes out of one."""

import struct
from itertools import pairwise

import pytest

from trunkline.voice.lines.framing import Key, PayloadFraming, RtpFraming, Sound


def rtp(first: int = 0x80, rest: bytes = b"sound") -> bytes:
    return struct.pack("!BBHII", first, 0, 7, 160, 1) + rest


def test_packets_count_up_by_frame_and_clock() -> None:
    framing = RtpFraming(111, 48_000)
    packets = [framing.sound(b"x") for _ in range(70_000)]
    assert isinstance(packets[0], bytes)
    headers = [struct.unpack("!BBHII", packet[:12]) for packet in packets if isinstance(packet, bytes)]
    assert {(each[0], each[1], each[4]) for each in headers} == {(0x80, 111, headers[0][4])}
    for before, after in pairwise(headers):
        assert (after[2] - before[2]) % 2**16 == 1
        assert (after[3] - before[3]) % 2**32 == 960


@pytest.mark.parametrize(
    "packet",
    [
        rtp(),
        rtp(0x82, bytes(8) + b"sound"),
        rtp(0x90, struct.pack("!HH", 0xBEDE, 2) + bytes(8) + b"sound"),
        rtp(0xA0, b"sound" + bytes(2) + b"\x03"),
    ],
    ids=["plain", "two sources", "extension", "padding"],
)
def test_the_payload_is_found(packet: bytes) -> None:
    assert RtpFraming(0, 8000).read(packet) == Sound(b"sound")


@pytest.mark.parametrize(
    "packet", [b"", b"\x80" * 11, rtp(0x40), rtp(0x8F), rtp(0x90, b"\0\0\xff\xff"), rtp(0xA0, b"\xff")]
)
def test_what_is_no_packet_is_refused(packet: bytes) -> None:
    with pytest.raises(ValueError, match="RTP"):
        RtpFraming(0, 8000).read(packet)


@pytest.mark.parametrize(
    ("numbers", "lost"),
    [
        ([5, 6, 7], 0),
        ([5, 8, 9], 2),
        ([65_534, 2], 3),
        ([5, 8, 6, 7, 9], 0),
        ([5, 5, 6], 0),
        ([5, 40_000, 40_002], 1),
    ],
    ids=["in order", "gap", "gap at the wrap", "late", "twice", "begun anew"],
)
def test_what_is_missing_shows_in_the_numbers(numbers: list[int], lost: int) -> None:
    framing = RtpFraming(0, 8000)
    heard = [framing.read(struct.pack("!BBHII", 0x80, 0, number, 160, 1) + b"sound") for number in numbers]
    assert sum(each.missing for each in heard if isinstance(each, Sound)) == lost


@pytest.mark.parametrize("framing", [PayloadFraming(), RtpFraming(0, 8000)])
def test_keys_are_text_messages(framing: PayloadFraming) -> None:
    assert framing.read(framing.key("#")) == Key("#")
    assert framing.read('{"type": "hello"}') is None
    for nonsense in (
        "{",
        '{"type": "dtmf"}',
        '{"type": "dtmf", "digit": "55"}',
        '{"type": "dtmf", "digit": []}',
    ):
        with pytest.raises(ValueError, match=r"digit|Expecting"):
            framing.read(nonsense)


def test_a_bare_payload_is_a_message() -> None:
    framing = PayloadFraming()
    assert framing.read(framing.sound(b"sound")) == Sound(b"sound")
