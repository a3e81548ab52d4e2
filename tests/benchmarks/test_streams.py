"""The measuring carrier against a WebSocket library that is not ours."""

import json
import threading
from base64 import b64encode
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from benchmarks.streams import StreamCaller
from benchmarks.wire import CueKind, Step
from websockets.http11 import Request, Response
from websockets.sync.server import ServerConnection, serve

from benchmarks import mulaw

LOUD = b"\x80\x00" * 400
"""100 ms."""
SPEECH = b"\x10" * 480


@contextmanager
def agent(talk: Callable[[ServerConnection], None], refuse: int | None = None) -> Iterator[str]:
    """The URL of an agent that does this on each stream."""

    def door(connection: ServerConnection, request: Request) -> Response | None:
        return None if refuse is None else connection.respond(refuse, "full\n")

    with serve(talk, "127.0.0.1", 0, process_request=door) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f"ws://127.0.0.1:{server.socket.getsockname()[1]}/lines/x?token=1"
        finally:
            server.shutdown()
            thread.join()


def _say(connection: ServerConnection, sound: bytes) -> None:
    connection.send(
        json.dumps({"event": "media", "media": {"payload": b64encode(sound).decode()}}).replace(" ", "")
    )
    connection.send('{"event":"mark","mark":{"name":"said"}}')


def test_a_stream_begins_as_twilios_do_and_plays_what_it_is_sent() -> None:
    told: list[dict[str, object]] = []

    def talk(connection: ServerConnection) -> None:
        for message in connection:
            told.append(json.loads(message))
            if len(told) == 3:
                _say(connection, LOUD)

    with agent(talk) as url:
        caller = StreamCaller()
        call = caller.call(url, [Step(CueKind.AFTER, 60, SPEECH), Step(CueKind.AT, 600)])
        caller.run(10.0)
    assert [message["event"] for message in told[:3]] == ["connected", "start", "media"]
    assert told[-1]["event"] == "stop"
    assert {"event": "mark", "streamSid": call.stream, "mark": {"name": "said"}} in told
    log = call.log
    assert log.status == 200 and not log.ended_by_agent
    assert list(log.heard.voiced) == [1] * 5
    gaps = {later - earlier for earlier, later in zip(log.heard.at_ns, log.heard.at_ns[1:], strict=False)}
    assert gaps == {20_000_000}  # it plays at its own pace, however it was sent
    assert bytes(log.sent.voiced).count(1) == 3
    assert len(log.steps) == 1


def test_a_clear_drops_what_has_not_sounded_and_gives_its_marks_back() -> None:
    marks: list[str] = []

    def talk(connection: ServerConnection) -> None:
        for count, message in enumerate(connection):
            content = json.loads(message)
            if content["event"] == "mark":
                marks.append(content["mark"]["name"])
            if count == 2:
                _say(connection, LOUD * 20)
                connection.send('{"event":"clear"}')

    with agent(talk) as url:
        caller = StreamCaller()
        call = caller.call(url, [Step(CueKind.AT, 300)])
        caller.run(10.0)
    assert marks == ["said"]
    assert len(call.log.heard) < 10


def test_a_refusal_and_an_end_by_the_other_side_are_told_apart() -> None:
    with (
        agent(lambda connection: None, refuse=503) as full,
        agent(lambda connection: connection.close()) as curt,
    ):
        caller = StreamCaller()
        refused, ended = caller.call(full, []), caller.call(curt, [])
        caller.run(10.0)
    assert (refused.log.status, refused.log.ended_by_agent) == (503, False)
    assert (ended.log.status, ended.log.ended_by_agent) == (200, True)


def test_silence_is_what_is_sent_between_words() -> None:
    heard: list[str] = []

    def talk(connection: ServerConnection) -> None:
        for message in connection:
            content = json.loads(message)
            if content["event"] == "media":
                heard.append(content["media"]["payload"])

    with agent(talk) as url:
        caller = StreamCaller()
        caller.call(url, [Step(CueKind.AT, 200)])
        caller.run(10.0)
    assert set(heard) == {b64encode(mulaw.SILENCE).decode()}
