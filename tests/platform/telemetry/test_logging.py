"""Lines are JSON, carry their context, and give away neither secrets nor people."""

import io
import json
import logging
from collections.abc import Iterator
from typing import Any

import pytest
import structlog

from trunkline.platform.telemetry.logging import REDACTED, configure


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.fixture(autouse=True)
def _as_before() -> Iterator[None]:
    root, config = logging.getLogger(), structlog.get_config()
    handlers, level = list(root.handlers), root.level
    yield
    root.handlers, root.level = handlers, level
    structlog.configure(**config)
    structlog.contextvars.clear_contextvars()


def _line(stream: io.StringIO) -> dict[str, Any]:
    line: dict[str, Any] = json.loads(stream.getvalue().splitlines()[-1])
    return line


def test_a_line_is_json_with_its_context() -> None:
    stream = io.StringIO()
    configure("voice", stream=stream)
    with structlog.contextvars.bound_contextvars(call="c1"):
        structlog.get_logger("trunkline.host").info("call_answered", host="h1", ms=12)
    line = _line(stream)
    assert line.pop("timestamp").endswith("Z")
    assert line == {
        "event": "call_answered",
        "level": "info",
        "logger": "trunkline.host",
        "role": "voice",
        "call": "c1",
        "host": "h1",
        "ms": 12,
    }


def test_loggers_of_libraries_write_the_same_lines() -> None:
    stream = io.StringIO()
    configure("api", stream=stream)
    logging.getLogger("uvicorn").warning("port %d", 80)
    line = _line(stream)
    assert (line["event"], line["level"], line["role"]) == ("port 80", "warning", "api")
    logging.getLogger("procrastinate.worker").info("chatter")
    logging.getLogger("uvicorn.error").info('"WebSocket /line?token=secret" [accepted]')
    assert len(stream.getvalue().splitlines()) == 1


@pytest.mark.parametrize(
    "key",
    [
        *("authorization", "Authorization", "password", "trunk_password", "trunk_pwd", "token", "node_token"),
        *("secret_key", "api_key", "key", "phone", "phone_number", "number", "number_from", "other_party"),
        *("text", "transcript", "words", "caller", "lead_email", "database_url"),
    ],
)
def test_what_must_not_be_told(key: str) -> None:
    stream = io.StringIO()
    configure("api", stream=stream)
    structlog.get_logger().info("seen", **{key: "+49301234"})
    structlog.get_logger().info(
        "seen", body={"deep": [{key: "+49301234"}]}, **{f"{key}s" if key == "number" else key: ["+49301234"]}
    )
    assert "+49301234" not in stream.getvalue()
    assert REDACTED in stream.getvalue()


def test_what_may_be_told() -> None:
    stream = io.StringIO()
    configure("api", stream=stream)
    told = {
        "host": "h",
        "reason": "r",
        "status": "busy",
        "key_id": "abcd",
        "context": "c",
        "tokens": 17,
        "number": 3,
    }
    structlog.get_logger().info("seen", **told)
    assert _line(stream).items() >= told.items()


def test_an_exception_comes_without_the_values_of_its_variables() -> None:
    for stream in (io.StringIO(), Terminal()):
        configure("api", stream=stream)

        def fail(said: str) -> None:
            raise ZeroDivisionError

        try:
            fail(f"my number is {12344 + 1}")
        except ZeroDivisionError:
            structlog.get_logger().exception("failed")
        assert "ZeroDivisionError" in stream.getvalue()
        assert "12345" not in stream.getvalue()


def test_a_terminal_gets_lines_for_people() -> None:
    stream = Terminal()
    configure("api", stream=stream)
    structlog.get_logger().info("ready", password="geheim")
    assert "ready" in stream.getvalue()
    assert "geheim" not in stream.getvalue()
    assert not stream.getvalue().startswith("{")


def test_the_level() -> None:
    stream = io.StringIO()
    configure("api", stream=stream, level="WARNING")
    structlog.get_logger().info("quiet")
    assert stream.getvalue() == ""
