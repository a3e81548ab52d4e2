"""Addresses that are not public are not reached, however they are written."""

from ipaddress import ip_address

import pytest

from tests.platform.outbound.web import web
from trunkline.errors import OutboundFailed, OutboundRefused, SetupError
from trunkline.platform.outbound.client import Outbound
from trunkline.platform.outbound.guard import Address, Allowance, is_public


@pytest.mark.parametrize(
    "host",
    [
        "127.0.0.1",
        "127.1",
        "2130706433",
        "0x7f000001",
        "0x7f.0.0.1",
        "0177.0.0.1",
        "0",
        "0.0.0.0",
        "10.1.2.3",
        "172.16.0.1",
        "192.168.1.1",
        "169.254.169.254",
        "100.64.0.1",
        "198.18.0.1",
        "192.0.2.1",
        "224.0.0.1",
        "240.0.0.1",
        "255.255.255.255",
        "192.88.99.1",
        "[::]",
        "[::1]",
        "[::ffff:127.0.0.1]",
        "[::ffff:8.8.8.8]",
        "[::127.0.0.1]",
        "[64:ff9b::7f00:1]",
        "[64:ff9b::808:808]",
        "[64:ff9b:1::1]",
        "[2002:7f00:1::]",
        "[2001:0:7f00:1::]",
        "[2001:db8::1]",
        "[fd00::1]",
        "[fd00:ec2::254]",
        "[fe80::1]",
        "[fec0::1]",
        "[ff02::1]",
        "localhost",
        "LOCALHOST",
        "localhost.",
        "①②⑦.⓪.⓪.①",
        "127。0。0。1",
    ],
)
async def test_addresses_that_are_not_public_are_refused(host: str) -> None:
    outbound = Outbound()
    with pytest.raises((OutboundRefused, OutboundFailed)) as refused:
        await outbound.send("GET", f"http://{host}:9/", within=5)
    # The system may know no such spelling, or have no IPv6 at all: then nothing is reached either.
    assert refused.type is OutboundRefused or "was not found" in str(refused.value)
    await outbound.close()


@pytest.mark.parametrize(
    "address", ["8.8.8.8", "1.1.1.1", "2606:4700:4700::1111", "2a00:1450:4001:80b::200e"]
)
def test_public_addresses_are_public(address: str) -> None:
    assert is_public(ip_address(address))


async def _nobody(host: str, port: int) -> list[Address]:
    raise AssertionError("nothing was to be resolved")


@pytest.mark.parametrize("addresses", [["10.0.0.1"], ["8.8.8.8", "127.0.0.1"], ["2606:4700::1", "fd00::1"]])
async def test_one_private_address_of_a_name_refuses_it(addresses: list[str]) -> None:
    async def resolver(host: str, port: int) -> list[Address]:
        return [ip_address(address) for address in addresses]

    outbound = Outbound(resolver=resolver)
    with pytest.raises(OutboundRefused, match="TRUNKLINE_OUTBOUND_ALLOW"):
        await outbound.send("GET", "http://rebound.example/")
    await outbound.close()


async def test_the_connection_goes_to_the_address_that_was_judged() -> None:
    """A name is resolved once: a second answer, private this time, would not be asked for."""
    asked: list[str] = []

    async def resolver(host: str, port: int) -> list[Address]:
        asked.append(host)
        return [ip_address("127.0.0.1")]

    async with web() as server:
        outbound = Outbound("rebound.example", resolver=resolver)
        answer = await outbound.send("GET", server.url(host="rebound.example"))
        await outbound.close()
    assert answer.status == 200
    assert asked == ["rebound.example"]
    assert server.asked[0].headers["host"] == f"rebound.example:{server.port}"


async def test_the_next_address_is_tried_when_one_does_not_answer() -> None:
    async def resolver(host: str, port: int) -> list[Address]:
        return [ip_address("127.0.0.2"), ip_address("127.0.0.1")]

    async with web() as server:
        outbound = Outbound("127.0.0.0/8", resolver=resolver)
        assert (await outbound.send("GET", server.url(host="two.example"))).status == 200
        await outbound.close()


@pytest.mark.parametrize("allow", ["127.0.0.1", "localhost, 127.0.0.0/8", " 10.0.0.0/8 ,127.0.0.1/32"])
async def test_the_operator_lets_addresses_through(allow: str) -> None:
    async with web() as server:
        outbound = Outbound(allow)
        assert (await outbound.send("GET", server.url())).status == 200
        await outbound.close()


async def test_an_allowed_name_does_not_open_its_address_to_others() -> None:
    async with web() as server:
        outbound = Outbound("localhost")
        assert (await outbound.send("GET", server.url(host="localhost"))).status == 200
        with pytest.raises(OutboundRefused):
            await outbound.send("GET", server.url())
        await outbound.close()


async def test_a_client_for_libraries_has_the_same_guard() -> None:
    async with web() as server:
        async with Outbound("127.0.0.1").client(within=5) as client:
            assert (await client.get(server.url())).status_code == 200
        async with Outbound().client(within=5) as client:
            with pytest.raises(OutboundRefused):
                await client.get(server.url())
    assert len(server.asked) == 1


def test_a_broken_allowance_is_told_at_the_start() -> None:
    with pytest.raises(SetupError, match="is no network"):
        Allowance.parse("localhost,10.0.0.0/99")


async def test_an_upgrade_of_the_client_has_not_moved_its_network_backend() -> None:
    """The guard sits in a private member of httpx2; without it every address would be reached."""
    outbound = Outbound(resolver=_nobody)
    with pytest.raises(AssertionError, match="nothing was to be resolved"):
        await outbound.send("GET", "https://public.example/")
    await outbound.close()
