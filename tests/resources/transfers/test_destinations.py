"""Each form of an address, with and without a trunk: what is dialled, and what a REFER would name."""

import pytest

from trunkline.errors import BadInput
from trunkline.resources.transfers.destinations import Route, route
from trunkline.voice.lines.line import Trunk

PBX = Trunk("pbx.example.com", "tcp", "agent", "secret", "+14155550199")
PORTED = Trunk("pbx.example.com:5080", "udp", "agent", "secret")


@pytest.mark.parametrize(
    ("destination", "uri"),
    [
        ("sip:anna@example.org", "sip:anna@example.org;transport=udp"),
        ("sip:anna@example.org:5070", "sip:anna@example.org:5070;transport=udp"),
        ("sip:anna@example.org;transport=udp", "sip:anna@example.org;transport=udp"),
        ("sip:anna@example.org;transport=tcp", "sip:anna@example.org;transport=tcp"),
        ("sip:anna@example.org:5061;transport=tls", "sip:anna@example.org:5061;transport=tls"),
        ("sips:anna@example.org", "sip:anna@example.org;transport=tls"),
        ("sip:1001@192.0.2.7", "sip:1001@192.0.2.7;transport=udp"),
        ("sip:1001@[2001:db8::7]:5060", "sip:1001@[2001:db8::7]:5060;transport=udp"),
        (" sip:anna@example.org ", "sip:anna@example.org;transport=udp"),
    ],
)
@pytest.mark.parametrize("trunk", [None, PBX], ids=["no-trunk", "trunk"])
def test_sip_addresses_go_where_they_say(destination: str, uri: str, trunk: Trunk | None) -> None:
    assert route(destination, trunk) == Route(uri, destination.strip(), None)


@pytest.mark.parametrize(
    ("destination", "user"),
    [
        ("+14155550100", "+14155550100"),
        ("+1 (415) 555-0100", "+14155550100"),
        ("tel:+14155550100", "+14155550100"),
        ("tel:+1-415-555-0100;phone-context=example.org", "+14155550100"),
        ("1001", "1001"),
        ("*98", "*98"),
    ],
)
def test_numbers_and_extensions_go_through_the_trunk(destination: str, user: str) -> None:
    way = route(destination, PBX)
    assert way == Route(f"sip:{user}@pbx.example.com;transport=tcp", user, PBX)
    assert not way.encrypted


def test_an_address_at_the_trunks_host_is_called_with_its_password() -> None:
    assert route("sip:1001@PBX.example.com;transport=tcp", PBX).trunk == PBX
    assert route("sip:1001@pbx.example.com:5080", PORTED).trunk == PORTED
    assert route("sip:1001@pbx.example.com:5070", PORTED).trunk is None
    assert route("sip:1001@other.example.com", PBX).trunk is None


@pytest.mark.parametrize("destination", ["+14155550100", "tel:+14155550100", "1001"])
def test_without_a_trunk_a_number_leads_nowhere(destination: str) -> None:
    with pytest.raises(BadInput, match="termination_uri"):
        route(destination, None)


@pytest.mark.parametrize(
    "destination",
    ["", "anna", "anna@example.org", "http://example.org", "sip:", "sip:a b@example.org", "tel:anna"],
)
def test_what_is_nobodys_address(destination: str) -> None:
    with pytest.raises(BadInput):
        route(destination, PBX)


@pytest.mark.parametrize(
    "destination", ["sips:anna@example.org;transport=udp", "sip:a@b;transport=sctp", "sip:a@b:70000"]
)
def test_addresses_that_contradict_themselves(destination: str) -> None:
    with pytest.raises(BadInput):
        route(destination, None)


def test_tls_is_encrypted() -> None:
    assert route("sips:anna@example.org", None).encrypted
    assert not route("sip:anna@example.org", None).encrypted
