"""The measuring caller against an answerer on our SIP engine, and its script by itself."""

import socket

import pytest
from benchmarks.uac import Dialog, Phase
from benchmarks.wire import CueKind, Step, Track, WireCall, WireCaller

from benchmarks import mulaw
from tests.benchmarks.speech import spoken
from tests.interop.program import Answerer

SPEECH = b"".join(spoken(0.4))
MS = 1_000_000


def scripted(*script: Step) -> WireCall:
    """A call that is up since 0 ns, that sends nothing."""
    dialog = Dialog("sip:100@127.0.0.1:5070", ("127.0.0.1", 5090), 40000)
    dialog.phase = Phase.UP
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as unused:
        return WireCall(dialog, unused, script, 0, ssrc=1)


def test_a_step_at_a_time() -> None:
    call = scripted(Step(CueKind.AT, 100, SPEECH))
    assert call.next_payload(99 * MS) == mulaw.SILENCE
    assert call.next_payload(100 * MS) == SPEECH[:160]
    for tick in range(1, 20):
        assert call.next_payload((100 + 20 * tick) * MS) == SPEECH[160 * tick : 160 * (tick + 1)]
    assert call.log.steps == [(100 * MS, 480 * MS)]
    assert call.next_payload(500 * MS) == mulaw.SILENCE


def test_a_step_after_the_agent_waits_for_its_silence() -> None:
    call = scripted(Step(CueKind.AFTER, 200, SPEECH), Step(CueKind.AFTER, 200))
    assert call.next_payload(900 * MS) == mulaw.SILENCE, "the agent has said nothing yet"
    call.heard(1000 * MS)
    call.heard(1020 * MS)
    assert call.next_payload(1219 * MS) == mulaw.SILENCE
    assert call.next_payload(1220 * MS) == SPEECH[:160]
    while call.next_payload(1300 * MS) != SPEECH[-160:]:
        pass
    assert call.next_payload(9000 * MS) == mulaw.SILENCE, "the agent's old words are no answer to ours"
    call.heard(9000 * MS)
    assert call.next_payload(9200 * MS) is None, "a step without sound hangs up"


def test_an_interruption_counts_from_the_agents_first_packet() -> None:
    call = scripted(Step(CueKind.INTERRUPT, 300, SPEECH))
    call.heard(1000 * MS)
    call.heard(1280 * MS)
    assert call.next_payload(1299 * MS) == mulaw.SILENCE
    assert call.next_payload(1300 * MS) == SPEECH[:160]


def test_a_track_keeps_what_came() -> None:
    track = Track()
    assert track.add(5, 70000, SPEECH[:160]) is True
    assert track.add(6, 1, mulaw.SILENCE) is False
    assert (list(track.at_ns), list(track.voiced), list(track.sequence)) == ([5, 6], [1, 0], [4464, 1])


@pytest.fixture
def caller() -> WireCaller:
    return WireCaller(seed=7)


def test_calls_are_answered_paced_and_logged(caller: WireCaller) -> None:
    script = [Step(CueKind.AT, 300, SPEECH), Step(CueKind.AFTER, 300)]
    with Answerer(mode="echo") as answerer:
        calls = [
            caller.call(f"sip:{n}@127.0.0.1:{answerer.port}", script, after_s=0.05 * n) for n in range(5)
        ]
        caller.run(8)
        caller.close()
        for n in range(5):
            assert answerer.wait_for("incoming", dialled=str(n))["caller"] == "caller"
    for call in calls:
        log = call.log
        assert log.status == 200
        assert not log.ended_by_agent
        assert list(log.sent.sequence) == list(
            range(log.sent.sequence[0], log.sent.sequence[0] + len(log.sent))
        )
        heard = log.heard.voiced.count(1)
        assert abs(heard - len(SPEECH) // 160) <= 2, "our words came back"
        first_back = log.heard.at_ns[log.heard.voiced.index(1)]
        assert 0 < first_back - log.steps[0][0] < 300 * MS
        times = [packet.at_ns for packet in log.packets()]
        assert times == sorted(times)
        assert len(times) == len(log.sent) + len(log.heard)


def test_refused_and_cancelled_calls_say_so(caller: WireCaller) -> None:
    with Answerer(mode="refuse") as refusing:
        refused = caller.call(f"sip:1@127.0.0.1:{refusing.port}", [])
        caller.run(5)
    assert refused.log.status == 486
    with Answerer(mode="ring") as ringing:
        cancelled = caller.call(f"sip:1@127.0.0.1:{ringing.port}", [])
        caller.run(1)
        assert ringing.wait_for("closed")["reason"] == "cancelled"
    caller.close()
    assert cancelled.log.status == 487
