"""SIP addresses in and out."""

import pytest

from trunkline.errors import BadInput
from trunkline.voice.lines.line import Trunk
from trunkline.voice.lines.sip_uri import SipUri, outbound, parse, user_of

TRUNK = Trunk("trunk.example:5080", transport="tcp")


@pytest.mark.parametrize(
    ("text", "uri"),
    [
        ("sip:100@127.0.0.1", SipUri("100", "127.0.0.1")),
        ("sip:+4930@host.example:5070", SipUri("+4930", "host.example", 5070)),
        ("sip:a@host;transport=TCP", SipUri("a", "host", None, "tcp")),
        ("sip:a@host:5061;x=y;transport=udp", SipUri("a", "host", 5061, "udp")),
        ("sip:host.example", SipUri("", "host.example")),
        ("sip:a@[::1]:5060", SipUri("a", "[::1]", 5060)),
        ("sip:a@b;transport=tls", SipUri("a", "b", None, "tls")),
        ("sips:a@b", SipUri("a", "b", None, "tls")),
        ("sips:a@b:5061;transport=tcp", SipUri("a", "b", 5061, "tls")),
    ],
)
def test_parses(text: str, uri: SipUri) -> None:
    assert parse(text) == uri
    assert parse(str(uri)) == uri


@pytest.mark.parametrize(
    "text",
    ["", "100", "sip:", "sip:a@b c", "sip:a@b\r\nX: y", "sip:a@b:70000", "sip:a@b:0", "sip:<a@b>", "sips:a@b;transport=udp",
     "sip:a@b;transport=sctp", "http://a@b", "sip:a@b\x00"],
)  # fmt: skip
def test_refuses_what_cannot_be_dialled(text: str) -> None:
    with pytest.raises(BadInput):
        parse(text)


@pytest.mark.parametrize("number", ["+49 (30) 123-456", "+4930123456", "+49.30.123456"])
def test_numbers_go_through_the_trunk(number: str) -> None:
    assert str(outbound(number, TRUNK)) == "sip:+4930123456@trunk.example:5080;transport=tcp"


def test_a_uri_goes_where_it_says_even_with_a_trunk() -> None:
    assert str(outbound("sip:a@other", TRUNK)) == "sip:a@other;transport=udp"


@pytest.mark.parametrize("number", ["+49\r\nX: y", "", "12;34", "a@b", "1" * 65])
def test_refuses_numbers_that_are_none(number: str) -> None:
    with pytest.raises(BadInput):
        outbound(number, TRUNK)


def test_a_number_needs_a_trunk() -> None:
    with pytest.raises(BadInput, match="trunk"):
        outbound("+4930123456", None)


@pytest.mark.parametrize(
    ("header", "user"),
    [
        ('"Ann" <sip:+4930@host:5060;user=phone>;tag=1', "+4930"),
        ("sip:100@host", "100"),
        ("<sips:a%2Bb@host>", "a+b"),
        ("<tel:+4930;phone-context=x>", "+4930"),
        ("<sip:+49;ext=5@host>", "+49"),
        ("<sip:100:secret@host>", "100"),
        ("<sip:host>", ""),
        ("", ""),
    ],
)
def test_user_parts(header: str, user: str) -> None:
    assert user_of(header) == user
