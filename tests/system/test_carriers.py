"""A Twilio call through the whole platform: the wire of Twilio in real time, a spoken question, an interruption."""

import asyncio
import json
from contextlib import suppress

import pytest
from benchmarks.platform import Running
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidStatus

from tests.system.talk import GREETING, ON_THE_PLATFORM, QUESTION, finished, lines
from tests.system.test_media_calls import agent_of, bursts
from tests.voice.lines.carriers import Station, TwilioSpelling
from trunkline.voice import g711
from trunkline.voice.scripted import Script, ScriptedServer

pytestmark = ON_THE_PLATFORM

FRAME_S = 0.02
REPLY = "We open at nine o'clock."
LONG = "We open at nine, and " + ", ".join(f"on street number {n} at ten past nine" for n in range(30)) + "."


async def listen(connection: ClientConnection, station: Station) -> None:
    with suppress(ConnectionClosed):
        async for message in connection:
            station.take(message)


async def pass_time(connection: ClientConnection, station: Station, seconds: float) -> bytes:
    """The caller's end in real time; what the caller heard, silence too."""
    heard = bytearray()
    loop = asyncio.get_running_loop()
    due = loop.time()
    for _ in range(round(seconds / FRAME_S)):
        frame, messages = station.tick()
        heard += frame.ljust(320, b"\0")
        for message in messages:
            await connection.send(message)
        due += FRAME_S
        await asyncio.sleep(max(0.0, due - loop.time()))
    return bytes(heard)


async def begin(connection: ClientConnection, token: str) -> None:
    parameters = {"token": token, "from": "+14155550100", "to": "+14155550199"}
    for message in TwilioSpelling().begin(parameters):
        await connection.send(json.dumps(message))


async def test_a_spoken_question_is_answered_and_an_interruption_clears(
    up: Running, providers: ScriptedServer, speech: bytes
) -> None:
    providers.script = Script.model_validate(
        {"llm": {"replies": [GREETING, LONG, REPLY]}, "stt": {"default": QUESTION}}
    )
    model_id = agent_of(up)
    told = up.api.get(f"/trunkline/v1/lines/twilio/{model_id}").raise_for_status().json()["response"]
    station = Station(TwilioSpelling())
    question = g711.ulaw_to_pcm(speech)
    with pytest.raises(InvalidStatus) as refused:
        await connect(f"{told['url']}?token=wrong")
    assert refused.value.response.status_code == 403
    async with connect(told["url"], additional_headers={"X-Twilio-Signature": "x"}) as connection:
        await begin(connection, told["token"])
        listening = asyncio.create_task(listen(connection, station))
        greeted = await pass_time(connection, station, 3)
        station.say(question)
        await pass_time(connection, station, len(question) / 16_000 + 3)
        assert not station.cleared
        station.say(question)
        heard = await pass_time(connection, station, len(question) / 16_000 + 4)
        stop = TwilioSpelling().stop()
        await connection.send(json.dumps(stop))
        await listening
    assert bursts(greeted, 8000) == 1
    assert len(station.cleared) == 1
    # The rest of the long answer until the caller is heard, and the answer.
    assert bursts(heard, 8000) == 2
    (call,) = up.calls(model_id)
    shown = finished(up, str(call["call_id"]))
    assert shown["phone_number_from"] == "+14155550100"
    assert (shown["call_status"], shown["end_call_reason"]) == ("completed", "human_ended_call")
    said = lines(shown)
    assert [who for who, _ in said] == ["bot", "human", "bot", "human", "bot"]
    assert said[0] == ("bot", GREETING)
    assert said[4] == ("bot", REPLY)
    cut = said[2][1].removesuffix("—").strip()
    assert 5 < len(cut) < len(LONG) / 2
