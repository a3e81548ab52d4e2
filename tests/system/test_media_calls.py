"""A test call over a real WebSocket through the whole platform: a WAV is spoken, the agent is heard, the record is there."""

import asyncio
import io
import json
import wave
from pathlib import Path

import numpy as np
import pytest
import soxr
from benchmarks.platform import Running
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed

from tests.system.talk import GREETING, ON_THE_PLATFORM, QUESTION, finished, lines
from trunkline.voice import g711
from trunkline.voice.lines.codecs import Codec, CodecName, codec
from trunkline.voice.lines.framing import Framing, PayloadFraming, RtpFraming, Sound
from trunkline.voice.scripted import Script, ScriptedServer

pytestmark = ON_THE_PLATFORM

PATH = "/v2/calls/outbound-test-ws-media"
PARTIES = {"fromPhoneNumber": "+14155550100", "toPhoneNumber": "+14155550199", "leadName": "Ann"}
FRAME_S = 0.02
REPLY = "We open at nine o'clock."


@pytest.fixture
def wav(speech: bytes, tmp_path: Path) -> Path:
    """QUESTION as a WAV at 16 kHz."""
    narrow = np.frombuffer(g711.ulaw_to_pcm(speech), "<i2")
    path = tmp_path / "question.wav"
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(16_000)
        file.writeframes(soxr.resample(narrow, 8000, 16_000).astype("<i2").tobytes())
    return path


def agent_of(up: Running) -> str:
    body = {
        "type": "outbound",
        "name": "media",
        "is_recording": True,
        "agent": {"prompt": "You are a receptionist.", "greeting_message": GREETING, "patience_level": "low"},
    }
    made = up.api.post("/v2/assistants", json=body).raise_for_status()
    return str(made.json()["response"]["model_id"])


def spoken(path: Path, rate: int) -> bytes:
    with wave.open(str(path)) as file:
        sound = np.frombuffer(file.readframes(file.getnframes()), "<i2")
        return bytes(soxr.resample(sound, file.getframerate(), rate).astype("<i2").tobytes())


async def talk(connection: ClientConnection, coder: Codec, framing: Framing, question: bytes) -> bytes:
    """Let the greeting pass, ask, hear the answer, hang up; what was heard."""
    heard = bytearray()

    async def listen() -> None:
        async for message in connection:
            if isinstance(sound := framing.read(message), Sound):
                heard.extend(coder.decode(sound.payload))

    listening = asyncio.create_task(listen())
    size = coder.rate // 50 * 2
    silence = bytes(coder.rate * 2)
    sound = 3 * silence + question + 4 * silence
    loop = asyncio.get_running_loop()
    due = loop.time()
    for start in range(0, len(sound), size):
        await connection.send(framing.sound(coder.encode(sound[start : start + size].ljust(size, b"\0"))))
        due += FRAME_S
        await asyncio.sleep(max(0.0, due - loop.time()))
    await connection.close()
    await asyncio.gather(listening, return_exceptions=True)
    return bytes(heard)


def bursts(pcm: bytes, rate: int) -> int:
    """How many times somebody spoke, pauses of half a second between."""
    size = rate // 50
    frames = np.frombuffer(pcm, "<i2").astype(float)[: len(pcm) // 2 // size * size].reshape(-1, size)
    loud = np.flatnonzero(np.sqrt((frames**2).mean(axis=1)) > 300)
    return 0 if not len(loud) else 1 + int((np.diff(loud) > 25).sum())


def check(up: Running, call_id: str, heard: bytes, rate: int) -> None:
    assert bursts(heard, rate) == 2, "the greeting and the answer"
    shown = finished(up, call_id)
    assert shown["call_status"] == "completed"
    assert lines(shown) == [("bot", GREETING), ("human", QUESTION), ("bot", REPLY)]
    assert (shown["end_call_reason"], shown["name"]) == ("human_ended_call", "Ann")
    listed = up.api.get("/v2/calls", params={"model_id": shown["model_id"]}).json()["response"]["calls"]
    (mine,) = [each for each in listed if each["call_id"] == call_id]
    assert mine["deployment_type"] is None
    with wave.open(io.BytesIO(up.api.get(shown["recording_url"]).raise_for_status().content)) as recording:
        assert (recording.getnchannels(), recording.getframerate()) == (2, rate)


async def test_opus_over_a_url_of_its_own(up: Running, providers: ScriptedServer, wav: Path) -> None:
    providers.script = Script.model_validate(
        {"llm": {"replies": [GREETING, REPLY]}, "stt": {"default": QUESTION}}
    )
    body = {"modelId": agent_of(up), **PARTIES}
    told = up.api.post(PATH, json=body).raise_for_status().json()
    assert told["sid"] == ""
    coder = codec(CodecName.OPUS)
    async with connect(told["wsMediaUrl"]) as connection:
        heard = await talk(connection, coder, RtpFraming(111, 48_000), spoken(wav, coder.rate))
    check(up, told["callId"], heard, coder.rate)
    with pytest.raises(Exception, match="404"):
        await connect(told["wsMediaUrl"])


async def test_mulaw_payloads_over_a_bound_connection(
    up: Running, providers: ScriptedServer, wav: Path
) -> None:
    providers.script = Script.model_validate(
        {"llm": {"replies": [GREETING, REPLY]}, "stt": {"default": QUESTION}}
    )
    coder = codec(CodecName.PCMU)
    base = up.api.get(f"{PATH}/base-url").raise_for_status().json()["wsMediaBaseUrl"]
    async with connect(base) as connection:
        info = json.loads(await connection.recv())
        body = {
            "modelId": agent_of(up),
            **PARTIES,
            "wsMediaServerName": info["server-name"],
            "wsMediaCodec": "pcmu",
            "wsMediaFraming": "payload",
        }
        told = up.api.post(PATH, json=body).raise_for_status().json()
        await connection.send(json.dumps({"type": "bind", "sid": told["sid"]}))
        heard = await talk(connection, coder, PayloadFraming(), spoken(wav, coder.rate))
    check(up, told["callId"], heard, coder.rate)


async def test_an_unknown_sid_is_sent_away(up: Running, providers: ScriptedServer) -> None:
    base = up.api.get(f"{PATH}/base-url").raise_for_status().json()["wsMediaBaseUrl"]
    async with connect(base) as connection:
        await connection.recv()
        await connection.send(json.dumps({"type": "bind", "sid": "unknown"}))
        with pytest.raises(ConnectionClosed):
            await connection.recv()
