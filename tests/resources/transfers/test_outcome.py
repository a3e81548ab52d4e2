"""The words of the record for what came of a transfer."""

from datetime import UTC, datetime

import pytest

from trunkline.errors import DialFailed
from trunkline.resources.transfers.outcome import Attempt, Failure, Reason, Status, Transferred, of_dial

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("outcome", "code", "told", "status"),
    [
        ("busy", 486, "busy", Status.CONNECTION_ERROR),
        ("no_answer", 480, "not_answered", Status.TIMEOUT),
        ("no_answer", None, "not_answered", Status.TIMEOUT),
        ("refused", 603, "refused_603", Status.CONNECTION_ERROR),
        ("unreachable", 503, "refused_503", Status.CONNECTION_ERROR),
        ("unreachable", None, "no_response", Status.TIMEOUT),
        ("canceled", None, "caller_hung_up", Status.CONNECTION_ERROR),
    ],
)
def test_what_a_dial_that_failed_means(outcome: str, code: int | None, told: str, status: Status) -> None:
    failure = of_dial(DialFailed("text", outcome, code))
    assert (str(failure), failure.status, failure.text) == (told, status, "text")


def test_the_value_of_the_record() -> None:
    attempt = Attempt("1001", "sip:1001@host", "dial", NOW)
    assert attempt.told()["status"] == "started"
    attempt.step(NOW, "INVITE")
    attempt.ended_at, attempt.failure = NOW, Failure(Reason.BUSY, 486, "busy there")
    failed = Transferred([attempt], attempt.failure, chosen="destination_2", others=("destination_1",))
    assert not failed.ok
    assert failed.value["status"] == "transfer-failed-connection-error"
    assert failed.value["failed_reason"] == "busy"
    assert failed.value["attempts"][0]["failed_reason"] == "busy"
    assert failed.value["attempts"][0]["sip_ladder"] == [{"at": NOW.isoformat(), "message": "INVITE"}]
    assert failed.value["next_destinations"] == ["destination_1"]
    well = Transferred([], human_connected_at=NOW, summary="About a bill.", chosen="destination_1").value
    assert "next_destinations" not in well
    assert (well["status"], well["failed_reason"]) == ("transfer-success", None)
    assert well["human_connected_at"] == NOW.isoformat()
    assert (well["summary"], well["destination"]) == ("About a bill.", "destination_1")
