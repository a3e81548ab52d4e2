"""The stack's own lines: few, and without anybody's number."""

import logging

import pytest

from trunkline.voice.lines.native_log import Trickle, quieten


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
