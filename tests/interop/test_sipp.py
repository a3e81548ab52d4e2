"""SIPp calls our engine and is called by it: signalling as another stack writes it, sound over RTP."""

import socket
from pathlib import Path
from typing import Any

import pytest

from tests.interop import sipp
from tests.interop.program import Answerer
from tests.interop.sipp_run import Sipp

pytestmark = pytest.mark.peer("sipp")


def target(answerer: Answerer) -> str:
    return f"127.0.0.1:{answerer.port}"


def call(milliseconds: int, user: str = "100", codec: str = "pcmu") -> str:
    """Ring, speak for so long, hang up."""
    return (
        sipp.invite(user, sipp.sdp(codec))
        + sipp.answered()
        + sipp.ack(user)
        + sipp.speak(codec)
        + sipp.pause(milliseconds)
        + sipp.bye(user)
    )


@pytest.mark.parametrize(
    ("transport", "codec"), [("u1", "pcmu"), ("t1", "pcmu"), ("u1", "pcma"), ("t1", "pcma")]
)
def test_called_over_each_transport_with_each_codec(tmp_path: Path, transport: str, codec: str) -> None:
    with Answerer(mode="echo") as answerer:
        Sipp(
            tmp_path, call(2000, "+4930123456", codec), target(answerer), transport=transport, codec=codec
        ).finish()
        incoming = answerer.wait_for("incoming")
        assert incoming["dialled"] == "+4930123456"
        assert incoming["caller"] == "sipp"
        assert incoming["transport"] == {"u1": "udp", "t1": "tcp"}[transport]
        assert incoming["headers"] == {"X-Agent-Id": "sales-7"}
        closed = answerer.wait_for("closed")
    assert (closed["by"], closed["reason"]) == ("remote", "hung_up")
    assert closed["loud"] > 1.2 * 8000, "the tone was heard for most of two seconds"


def test_twenty_calls_at_once(tmp_path: Path) -> None:
    with Answerer(mode="echo") as answerer:
        Sipp(tmp_path, call(3000), target(answerer), calls=20).finish()
        closed = [answerer.wait_for("closed") for _ in range(20)]
    assert {each["reason"] for each in closed} == {"hung_up"}
    assert min(each["loud"] for each in closed) > 8000


def test_srtp_is_taken_by_a_number_that_has_called_out_too(tmp_path: Path) -> None:
    """Its agent for calls out offers no SRTP, and must not get the calls in."""
    with Answerer(mode="listen") as far, Answerer(mode="listen") as answerer:
        trunk = {"host": f"127.0.0.1:{far.port}", "caller_id": "555"}
        answerer.tell("dial", target="100", trunk=trunk)
        answerer.wait_for("dialled")
        scenario = (
            sipp.invite("555", sipp.secure_sdp()) + sipp.answered() + sipp.ack("555") + sipp.pause(300)
            + sipp.bye("555")
        )  # fmt: skip
        Sipp(tmp_path, scenario, target(answerer)).finish()
        assert answerer.wait_for("incoming")["dialled"] == "555"
        answerer.tell("hang_up")


def test_a_flood_over_the_cap_is_refused_and_disturbs_nobody(tmp_path: Path) -> None:
    """100 INVITEs in a second while the five calls that are allowed are up."""
    for name in ("admitted", "flood"):
        (tmp_path / name).mkdir()
    with Answerer("echo", 30, "--cap", "5") as answerer:
        admitted = Sipp(tmp_path / "admitted", call(6000), target(answerer), calls=5)
        for _ in range(5):
            answerer.wait_for("answered")
        answerer.tell("report")
        before = {talk["call"]: talk["loud"] for talk in answerer.wait_for("report")["talks"]}
        flood = sipp.invite("999") + sipp.refused("999", 486)
        Sipp(tmp_path / "flood", flood, target(answerer), calls=100).finish()
        admitted.finish()
        closed = [answerer.wait_for("closed") for _ in range(5)]
        rung = [event for event in answerer.drain() if event["event"] == "incoming"]
    assert len(rung) == 105
    assert before.keys() == {each["call"] for each in closed}
    assert min(each["loud"] for each in closed) > 4.5 * 8000, "their six seconds were heard"


@pytest.mark.parametrize("user", ["", "100@"])
def test_options_are_answered(user: str) -> None:
    """What a proxy or a trunk asks to see whether we live."""
    with Answerer() as answerer, socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as asker:
        asker.bind(("127.0.0.1", 0))
        asker.settimeout(30)
        uri, port = f"sip:{user}127.0.0.1:{answerer.port}", asker.getsockname()[1]
        request = (
            f"OPTIONS {uri} SIP/2.0\r\nVia: SIP/2.0/UDP 127.0.0.1:{port};branch=z9hG4bK1;rport\r\n"
            f"From: <sip:k@127.0.0.1>;tag=1\r\nTo: <{uri}>\r\nCall-ID: 1@k\r\nCSeq: 1 OPTIONS\r\n"
            "Max-Forwards: 70\r\nContent-Length: 0\r\n\r\n"
        )
        asker.sendto(request.encode(), ("127.0.0.1", answerer.port))
        answer = asker.recv(4000).decode()
    assert answer.startswith("SIP/2.0 200 OK\r\n")
    assert "m=audio 9 RTP/AVP 9 0 8 101" in answer


def test_an_unknown_number_is_refused(tmp_path: Path) -> None:
    with Answerer(mode="refuse") as answerer:
        Sipp(tmp_path, sipp.invite("999") + sipp.refused("999", 486), target(answerer)).finish()
        assert answerer.wait_for("incoming")["dialled"] == "999"


def test_the_caller_cancels_while_it_rings(tmp_path: Path) -> None:
    scenario = (
        sipp.invite()
        + '<recv response="100" optional="true"/><recv response="180"/>'
        + sipp.pause(1000)
        + sipp.cancel()
        + '<recv response="200"/>'
        + sipp.refused("100", 487)
    )
    with Answerer(mode="ring") as answerer:
        Sipp(tmp_path, scenario, target(answerer)).finish()
        closed = answerer.wait_for("closed")
    assert (closed["by"], closed["reason"]) == ("remote", "cancelled")


def test_hold_and_unhold_are_told_and_sound_goes_on(tmp_path: Path) -> None:
    def again(number: int, direction: str) -> str:
        body = sipp.sdp(direction=direction, version=number)
        return sipp.invite(body=body, number=number) + sipp.answered() + sipp.ack(number=number)

    scenario = (
        sipp.invite() + sipp.answered() + sipp.ack() + sipp.speak() + sipp.pause(800)
        + again(2, "sendonly") + sipp.pause(800)
        + again(3, "sendrecv") + sipp.pause(1500) + sipp.bye(number=4)
    )  # fmt: skip
    with Answerer(mode="echo") as answerer:
        Sipp(tmp_path, scenario, target(answerer)).finish()
        closed = answerer.wait_for("closed")
        kinds = [event["kind"] for event in answerer.drain() if event["event"] == "line"]
    assert kinds.index("Held") < kinds.index("Resumed")
    assert "AudioRestarted" in kinds
    assert closed["reason"] == "hung_up"
    assert closed["loud"] > 1.5 * 8000


def test_a_caller_that_vanishes_is_timed_out(tmp_path: Path) -> None:
    scenario = sipp.invite() + sipp.answered() + sipp.ack() + sipp.speak() + sipp.pause(1000)
    with Answerer(mode="echo", rtp_timeout=2) as answerer:
        Sipp(tmp_path, scenario, target(answerer)).finish()
        closed = answerer.wait_for("closed")
    assert (closed["by"], closed["reason"]) == ("fault", "rtp_timeout")


def dial(answerer: Answerer, peer: Sipp, ring_timeout: float = 20.0) -> None:
    answerer.tell("dial", target=f"sip:200@127.0.0.1:{peer.port}", ring_timeout=ring_timeout)


@pytest.mark.parametrize("codec", ["pcmu", "pcma"])
def test_we_call_and_they_answer(tmp_path: Path, codec: str) -> None:
    scenario = sipp.ring() + sipp.pause(300) + sipp.pick_up(codec) + sipp.speak(codec) + sipp.be_hung_up()
    with Answerer(mode="listen") as answerer:
        peer = Sipp(tmp_path, scenario, codec=codec)
        dial(answerer, peer)
        answerer.wait_for("dialled")
        answerer.hear(8000)
        answerer.tell("hang_up")
        closed = answerer.wait_for("closed")
        peer.finish()
    assert closed["by"] == "local"


def test_sound_before_the_answer_does_no_harm(tmp_path: Path) -> None:
    scenario = sipp.progress() + sipp.pause(1000) + sipp.pick_up() + sipp.be_hung_up()
    with Answerer(mode="listen") as answerer:
        peer = Sipp(tmp_path, scenario)
        dial(answerer, peer)
        answerer.wait_for("dialled")
        answerer.hear(4000)
        answerer.tell("hang_up")
        answerer.wait_for("closed")
        peer.finish()


def test_sound_before_the_answer_is_no_answer_and_not_taken_for_speech(tmp_path: Path) -> None:
    """An announcement in 183: it does not end the wait, and nothing of it is read once the call is up."""
    scenario = (
        sipp.progress()
        + sipp.pause(1500)
        + sipp.hush()
        + sipp.pause(200)
        + sipp.pick_up()
        + sipp.be_hung_up()
    )
    with Answerer(mode="listen") as answerer:
        peer = Sipp(tmp_path, scenario)
        dial(answerer, peer)
        with pytest.raises(AssertionError):
            answerer.wait_for("dialled", seconds=1.0)
        answerer.wait_for("dialled")
        with pytest.raises(AssertionError):
            answerer.wait_for("closed", seconds=1.0)
        answerer.tell("hang_up")
        assert answerer.wait_for("closed")["loud"] == 0
        peer.finish()


def test_sound_before_a_refusal(tmp_path: Path) -> None:
    with Answerer(mode="listen") as answerer:
        peer = Sipp(tmp_path, sipp.progress() + sipp.pause(500) + sipp.refuse(486, "Busy Here"))
        dial(answerer, peer)
        failed = answerer.wait_for("dial_failed")
        peer.finish()
    assert (failed["outcome"], failed["code"]) == ("busy", 486)


def test_keys_by_sip_info(tmp_path: Path) -> None:
    """Quick ones too, which the stack does not pair with an end."""
    scenario = (
        sipp.invite() + sipp.answered() + sipp.ack() + sipp.pause(300)
        + "".join(sipp.press(key, number=2 + at) for at, key in enumerate("4*#0"))
        + sipp.pause(300) + sipp.bye(number=6)
    )  # fmt: skip
    with Answerer(mode="listen") as answerer:
        caller = Sipp(tmp_path, scenario, target(answerer))
        keys = [answerer.wait_for("line", kind="Digit")["data"] for _ in range(4)]
        caller.finish()
    assert keys == ["4", "*", "#", "0"]


@pytest.mark.parametrize(
    ("status", "words", "outcome"),
    [(486, "Busy Here", "busy"), (603, "Decline", "refused"), (404, "Not Found", "refused"),
     (480, "Temporarily Unavailable", "no_answer"), (503, "Service Unavailable", "unreachable")],
)  # fmt: skip
def test_we_call_and_they_refuse(tmp_path: Path, status: int, words: str, outcome: str) -> None:
    with Answerer(mode="listen") as answerer:
        peer = Sipp(tmp_path, sipp.ring() + sipp.refuse(status, words))
        dial(answerer, peer)
        failed = answerer.wait_for("dial_failed")
        peer.finish()
    assert (failed["outcome"], failed["code"]) == (outcome, status)


@pytest.mark.parametrize("by_us", ["timeout", "cancel"])
def test_nobody_answers_or_we_give_up(tmp_path: Path, by_us: str) -> None:
    with Answerer(mode="listen") as answerer:
        peer = Sipp(tmp_path, sipp.ring() + sipp.be_cancelled())
        dial(answerer, peer, ring_timeout=2.0 if by_us == "timeout" else 20.0)
        if by_us == "timeout":
            failed: dict[str, Any] = answerer.wait_for("dial_failed")
            assert failed["outcome"] == "no_answer"
        else:
            with pytest.raises(AssertionError):
                answerer.wait_for("dial_failed", seconds=1.0)
            answerer.tell("cancel")
        peer.finish()


def test_a_trunk_asks_for_a_password(tmp_path: Path) -> None:
    scenario = sipp.challenge("acme", "s3cret") + sipp.pick_up() + sipp.be_hung_up()
    with Answerer(mode="listen") as answerer:
        peer = Sipp(tmp_path, scenario)
        trunk = {
            "host": f"127.0.0.1:{peer.port}", "username": "acme", "password": "s3cret", "caller_id": "+49301",
        }  # fmt: skip
        answerer.tell("dial", target="+4930999", trunk=trunk, ring_timeout=20)
        answerer.wait_for("dialled")
        answerer.tell("hang_up")
        answerer.wait_for("closed")
        peer.finish()
