"""Requests are bounded, follow nothing and remember nothing."""

import asyncio
import base64
import gzip

import pytest

from tests.platform.outbound.web import response, web
from trunkline.errors import OutboundFailed, OutboundRefused
from trunkline.platform.outbound.client import Outbound


async def test_a_request_arrives_as_it_was_made() -> None:
    async with web() as server:
        server.answer = response(201, b'{"ok":true}', Content_Type="application/json")
        outbound = Outbound("127.0.0.1")
        answer = await outbound.send(
            "POST", server.url("/a?b=1"), headers={"X-Name": "Ann"}, content=b"hello", within=30
        )
        await outbound.close()
    asked = server.asked[0]
    assert (asked.method, asked.target, asked.body) == ("POST", "/a?b=1", b"hello")
    assert asked.headers["x-name"] == "Ann"
    assert asked.headers["user-agent"].startswith("Trunkline/")
    assert (answer.status, answer.body) == (201, b'{"ok":true}')
    assert answer.headers["content-type"] == "application/json"
    assert answer.elapsed_ms >= 0


async def test_headers_of_the_connection_are_not_set_from_outside() -> None:
    async with web() as server:
        outbound = Outbound("127.0.0.1")
        await outbound.send(
            "POST",
            server.url(),
            headers={"Host": "inside.example", "Transfer-Encoding": "chunked", "content-length": "0"},
            content=b"hello",
        )
        await outbound.close()
    headers = server.asked[0].headers
    assert headers["host"] == f"127.0.0.1:{server.port}"
    assert headers["content-length"] == "5"
    assert "transfer-encoding" not in headers


async def test_redirects_are_not_followed() -> None:
    async with web() as server:
        server.answer = response(302, Location="http://127.0.0.1:1/")
        outbound = Outbound("127.0.0.1")
        answer = await outbound.send("GET", server.url())
        await outbound.close()
    assert answer.status == 302
    assert len(server.asked) == 1


async def test_cookies_of_one_are_not_sent_for_another() -> None:
    async with web() as server:
        server.answer = response(200, Set_Cookie="session=1; Path=/")
        outbound = Outbound("127.0.0.1")
        await outbound.send("GET", server.url())
        await outbound.send("GET", server.url())
        await outbound.close()
    assert all("cookie" not in asked.headers for asked in server.asked)


async def test_settings_of_the_environment_are_not_used(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:1")
    async with web() as server:
        outbound = Outbound("127.0.0.1")
        assert (await outbound.send("GET", server.url())).status == 200
        await outbound.close()


async def test_time_is_bounded() -> None:
    async with web() as server:
        server.answer = None
        outbound = Outbound("127.0.0.1")
        async with asyncio.timeout(30):
            with pytest.raises(OutboundFailed) as failed:
                await outbound.send("GET", server.url(), within=0.2)
        assert failed.value.timed_out
        await outbound.close()


@pytest.mark.parametrize("packed", [False, True])
async def test_the_body_is_bounded_packed_or_not(packed: bool) -> None:
    body = b"a" * 100_000
    async with web() as server:
        outbound = Outbound("127.0.0.1")
        if packed:
            server.answer = response(200, gzip.compress(body), Content_Encoding="gzip")
        else:
            server.answer = response(200, body)
        with pytest.raises(OutboundFailed, match="larger than 99999 bytes"):
            await outbound.send("GET", server.url(), largest=99_999)
        assert (await outbound.send("GET", server.url(), largest=100_000)).body == body
        await outbound.close()


@pytest.mark.parametrize(
    ("encoding", "body"),
    [
        ("gzip, gzip", gzip.compress(gzip.compress(b"a"))),
        ("gzip", b"plain"),
        ("gzip", gzip.compress(b"a" * 999)[:-9]),
    ],
    ids=["packed-twice", "not-packed", "cut-short"],
)
async def test_bodies_packed_in_other_ways_are_not_unpacked(encoding: str, body: bytes) -> None:
    async with web() as server:
        server.answer = response(200, body, Content_Encoding=encoding)
        outbound = Outbound("127.0.0.1")
        with pytest.raises(OutboundFailed):
            await outbound.send("GET", server.url())
        await outbound.close()


async def test_nobody_there_is_told() -> None:
    async with web() as server:
        pass
    outbound = Outbound("127.0.0.1")
    with pytest.raises(OutboundFailed) as failed:
        await outbound.send("GET", server.url())
    assert not failed.value.timed_out
    await outbound.close()


@pytest.mark.parametrize(
    "url", ["", "example.com", "ftp://example.com/", "file:///etc/passwd", "http://", "http://a:b"]
)
async def test_what_is_no_address_is_refused(url: str) -> None:
    outbound = Outbound()
    with pytest.raises(OutboundRefused):
        await outbound.send("GET", url)
    await outbound.close()


async def test_a_connection_is_kept_for_the_next_request() -> None:
    async with web() as server:
        outbound = Outbound("127.0.0.1")
        for _ in range(3):
            assert (await outbound.send("POST", server.url(), content=b"hello")).status == 200
        assert server.connections == 1
        server.answer = response(200, b"a" * 5_000_000)
        with pytest.raises(OutboundFailed, match="larger"):
            await outbound.send("GET", server.url(), largest=10)
        server.answer = response()
        assert (await outbound.send("GET", server.url())).status == 200
        assert server.connections == 2, "what is left unread would be taken for the next answer"
        await outbound.close()


@pytest.mark.parametrize(
    "headers",
    [{"X-Name": "a\r\nX-Other: b"}, {"X-Name": "a\x00"}, {"X Name": "a"}, {"X-Name: a\r\nX-Other": "b"}, {"": "a"}],
    ids=["line", "nul", "space", "name", "empty"],
)  # fmt: skip
async def test_what_would_end_a_header_is_not_sent(headers: dict[str, str]) -> None:
    async with web() as server:
        outbound = Outbound("127.0.0.1")
        with pytest.raises(OutboundFailed, match="a header holds characters"):
            await outbound.send("GET", server.url(), headers=headers)
        with pytest.raises(OutboundFailed, match="the method is none"):
            await outbound.send("GET / HTTP/1.1\r\nX:", server.url())
        await outbound.close()
    assert server.asked == []


async def test_a_header_may_be_long_and_hold_any_letters() -> None:
    async with web() as server:
        server.answer = response(200, Policy="a" * 30_000)
        outbound = Outbound("127.0.0.1")
        answer = await outbound.send("GET", server.url(), headers={"X-Name": "Grüß"})
        await outbound.close()
    assert len(answer.headers["policy"]) == 30_000
    assert server.asked[0].headers["x-name"] == "Grüß"


async def test_an_expectation_is_not_waited_for() -> None:
    async with web() as server:
        outbound = Outbound("127.0.0.1")
        headers = {"Expect": "100-continue"}
        answer = await outbound.send("POST", server.url(), headers=headers, content=b"hello", within=30)
        await outbound.close()
    assert (answer.status, server.asked[0].body) == (200, b"hello")
    assert "expect" not in server.asked[0].headers


async def test_a_large_body_arrives_whole() -> None:
    async with web() as server:
        outbound = Outbound("127.0.0.1")
        await outbound.send("PUT", server.url(), content=b"a" * 3_000_000, within=30)
        await outbound.close()
    assert len(server.asked[0].body) == 3_000_000


async def test_a_login_in_the_address_is_sent_as_a_header() -> None:
    async with web() as server:
        outbound = Outbound("127.0.0.1")
        await outbound.send("GET", f"http://ann:p%40ss@127.0.0.1:{server.port}/")
        await outbound.close()
    assert base64.b64decode(server.asked[0].headers["authorization"].removeprefix("Basic ")) == b"ann:p@ss"


@pytest.mark.parametrize("answer", [b"nonsense\r\n\r\n", b""], ids=["nonsense", "nothing"])
async def test_a_fault_does_not_tell_what_the_address_holds(answer: bytes) -> None:
    async with web() as server:
        server.answer = answer or (lambda _: (_ for _ in ()).throw(ConnectionError()))
        outbound = Outbound("127.0.0.1")
        with pytest.raises(OutboundFailed) as failed:
            await outbound.send("POST", f"http://ann:pass@127.0.0.1:{server.port}/?token=hush", within=30)
        await outbound.close()
    assert str(failed.value).startswith("127.0.0.1 was not reached: ")
    assert "hush" not in str(failed.value) and "pass" not in str(failed.value)


async def test_a_client_for_libraries_reads_answers_as_they_come() -> None:
    async with web() as server:
        server.answer = response(200, b"a" * 100_000, Set_Cookie="session=1; Path=/")
        async with Outbound("127.0.0.1").client(within=30) as client:
            for _ in range(2):
                async with client.stream("POST", server.url("/a?b=1"), content=b"hello") as answer:
                    body = b"".join([piece async for piece in answer.aiter_raw()])
    assert body == b"a" * 100_000
    assert [(each.target, each.body) for each in server.asked] == [("/a?b=1", b"hello")] * 2
    assert "cookie" not in server.asked[1].headers
    assert server.asked[0].headers["user-agent"].startswith("Trunkline/")
