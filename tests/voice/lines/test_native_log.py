"""The stack's own lines: few, and without anybody's number."""

import ctypes
import logging
import os

import pytest

from trunkline.voice.lines.native_log import Trickle, divert_stderr, quieten


@pytest.fixture
def logger(caplog: pytest.LogCaptureFixture) -> logging.Logger:
    noisy = logging.getLogger("test.native")
    noisy.filters.clear()
    noisy.addFilter(Trickle())
    caplog.set_level(logging.WARNING, "test.native")
    return noisy


def test_a_flood_becomes_a_trickle(logger: logging.Logger, caplog: pytest.LogCaptureFixture) -> None:
    for n in range(1000):
        logger.warning("sip: msg decode err %d", n)
    assert len(caplog.records) == 20


def test_what_was_kept_back_is_counted(
    logger: logging.Logger, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = 100.0
    monkeypatch.setattr("time.monotonic", lambda: now)
    for _ in range(25):
        logger.warning("noise")
    now += 10
    logger.warning("later")
    assert caplog.messages[-1] == "later (5 lines kept back before)"


@pytest.mark.parametrize(
    ("line", "kept"),
    [
        ("call to sip:+4930123@host failed", "call to sip:…@host failed"),
        ("from <sips:ann@host>;tag=1\n", "from <sips:…@host>;tag=1"),
        ("tel:+4930123;x", "tel:…;x"),
    ],
)
def test_user_parts_go(
    logger: logging.Logger, caplog: pytest.LogCaptureFixture, line: str, kept: str
) -> None:
    logger.warning("%s", line)
    assert caplog.messages == [kept]


def test_quieten_may_be_repeated() -> None:
    quieten()
    quieten()
    assert sum(isinstance(known, Trickle) for known in logging.getLogger("baresip.native").filters) == 1


def c_print(text: bytes) -> None:
    libc = ctypes.CDLL(None)
    stderr = ctypes.c_void_p.in_dll(libc, "stderr")
    libc.fputs(text, stderr)
    libc.fflush(stderr)


def test_what_c_prints_is_logged_and_nothing_else_is_touched(
    caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    caplog.set_level(logging.WARNING, "baresip.native")
    for name in ("baresip", "baresip.native"):
        logging.getLogger(name).filters.clear()
    undo = divert_stderr()
    c_print(b"sip: msg decode err\n")
    os.write(2, b"from elsewhere\n")
    undo()
    c_print(b"as before\n")
    assert [message.strip() for message in caplog.messages] == ["sip: msg decode err"]
    assert capfd.readouterr().err == "from elsewhere\nas before\n"


def test_a_reader_that_stands_still_holds_nothing_up(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.CRITICAL, "baresip.native")
    undo = divert_stderr()
    for _ in range(3000):
        c_print(b"x" * 100 + b"\n")
    undo()
