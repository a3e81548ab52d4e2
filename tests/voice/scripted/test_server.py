"""The scripted server spoken to through the client that real endpoints are spoken to with."""

import asyncio
import io
import json
import time
import wave
from collections.abc import AsyncIterator, Callable
from contextlib import suppress
from typing import Any

import httpx2
import openai
import pytest

from trunkline.errors import BadInput, PortTaken
from trunkline.voice.scripted import (
    ChatScript,
    Fault,
    HearScript,
    Rule,
    Script,
    ScriptedServer,
    Sound,
    SpeechScript,
    Spread,
    ToolUse,
    main,
)
from trunkline.voice.scripted.script import FaultKind
from trunkline.voice.scripted.sound import RATE, duration_ms

HELLO: Any = [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "Please book me in"}]


@pytest.fixture
async def server() -> AsyncIterator[ScriptedServer]:
    async with ScriptedServer() as running:
        yield running


@pytest.fixture
async def client(server: ScriptedServer) -> AsyncIterator[openai.AsyncOpenAI]:
    async with openai.AsyncOpenAI(base_url=server.base_url, api_key="x", max_retries=0) as made:
        yield made


def chat(client: openai.AsyncOpenAI, model: str = "scripted", messages: Any = HELLO):  # type: ignore[no-untyped-def]
    return client.chat.completions.create(model=model, messages=messages, stream=True)


async def text_of(client: openai.AsyncOpenAI, model: str = "scripted", messages: Any = HELLO) -> str:
    return "".join(
        [c.choices[0].delta.content or "" async for c in await chat(client, model, messages) if c.choices]
    )


async def until(true: Callable[[], bool]) -> None:
    while not true():  # noqa: ASYNC110 nothing in the server tells of it
        await asyncio.sleep(0)


def wav(seconds: float = 0.5, rate: int = 8000) -> bytes:
    out = io.BytesIO()
    with wave.open(out, "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(rate)
        file.writeframes(b"\0\0" * int(seconds * rate))
    return out.getvalue()


async def test_chat_streams_word_by_word(server: ScriptedServer, client: openai.AsyncOpenAI) -> None:
    server.script = Script(llm=ChatScript(default="One two three."))
    deltas = [c.choices[0].delta.content async for c in await chat(client, "gpt-4.1")]
    assert deltas == ["One", " two", " three.", None]
    [served] = server.of("llm")
    assert (served.model, served.text) == ("gpt-4.1", "One two three.")


async def test_chat_whole(server: ScriptedServer, client: openai.AsyncOpenAI) -> None:
    server.script = Script(llm=ChatScript(default="Certainly."))
    answer = await client.chat.completions.create(model="m", messages=[{"role": "user", "content": "Hi"}])
    assert answer.choices[0].message.content == "Certainly."
    assert answer.usage is not None
    assert answer.usage.prompt_tokens == 1


async def test_a_rule_calls_a_tool_and_then_speaks_of_its_result(
    server: ScriptedServer, client: openai.AsyncOpenAI
) -> None:
    book = Rule(
        pattern="book", tools=(ToolUse(name="book", arguments={"day": "Monday"}),), then="Booked: {result}"
    )
    server.script = Script(llm=ChatScript(rules=(book,)))
    chunks = [c async for c in await chat(client)]
    parts = [tool for c in chunks for tool in c.choices[0].delta.tool_calls or []]
    assert parts[0].function.name == "book"
    assert json.loads("".join(p.function.arguments for p in parts)) == {"day": "Monday"}
    assert chunks[-1].choices[0].finish_reason == "tool_calls"
    after = [*HELLO, {"role": "tool", "content": "9 am", "tool_call_id": parts[0].id}]
    assert await text_of(client, messages=after) == "Booked: 9 am"


async def test_replies_in_the_order_of_the_conversation(
    server: ScriptedServer, client: openai.AsyncOpenAI
) -> None:
    server.script = Script(llm=ChatScript(replies=("First.", "Second."), default="Last."))
    talk: list[dict[str, str]] = [{"role": "assistant", "content": "Greeting"}]
    said = []
    for _ in range(3):
        talk.append({"role": "user", "content": "Go on"})
        said.append(await text_of(client, messages=talk))
        talk.append({"role": "assistant", "content": said[-1]})
    assert said == ["First.", "Second.", "Last."]


async def test_a_schema_is_filled(server: ScriptedServer, client: openai.AsyncOpenAI) -> None:
    server.script = Script(
        llm=ChatScript(rules=(Rule(pattern="book", text="Done", tools=(ToolUse(name="book"),)),))
    )
    schema: dict[str, Any] = {
        "type": "object",
        "properties": {
            "say": {"type": "string"},
            "tool": {"enum": ["none", "book"]},
            "n": {"type": ["integer", "null"]},
        },
    }
    answer = await client.chat.completions.create(
        model="m",
        messages=HELLO,
        response_format={"type": "json_schema", "json_schema": {"name": "turn", "schema": schema}},
    )
    assert json.loads(answer.choices[0].message.content or "") == {"say": "Done", "tool": "book", "n": 0}


async def test_transcriptions_in_order_then_the_default(
    server: ScriptedServer, client: openai.AsyncOpenAI
) -> None:
    server.script = Script(stt=HearScript(texts=("Good morning.",), default="Yes."))
    heard = [
        (await client.audio.transcriptions.create(model="whisper-1", file=("a.wav", wav()))).text
        for _ in range(2)
    ]
    assert heard == ["Good morning.", "Yes."]
    plain = await client.audio.transcriptions.create(
        model="whisper-1?text=one+off", file=("a.wav", wav()), response_format="text"
    )
    assert plain.strip() == "one off"
    assert server.of("stt")[-1].request["seconds"] == 0.5


async def test_speech_is_loud_from_its_first_sample(
    server: ScriptedServer, client: openai.AsyncOpenAI
) -> None:
    answer = await client.audio.speech.create(
        model="tts-1", voice="x", input="Good morning to you", response_format="pcm"
    )
    pcm = answer.content
    assert len(pcm) == duration_ms("Good morning to you") * RATE // 1000 * 2
    head = memoryview(pcm).cast("h")[: RATE // 100]
    assert max(abs(sample) for sample in head) > 2000
    answer = await client.audio.speech.create(
        model="tts-1", voice="x", input="Good morning to you", response_format="wav"
    )
    with wave.open(io.BytesIO(answer.content)) as file:
        assert (file.getframerate(), file.readframes(file.getnframes())) == (RATE, pcm)


async def test_words_go_out_as_sound_and_come_back(
    server: ScriptedServer, client: openai.AsyncOpenAI
) -> None:
    server.script = Script(stt=HearScript(decode=True), tts=SpeechScript(voice=Sound.WORDS))
    spoken = await client.audio.speech.create(
        model="t", voice="x", input="good morning", response_format="wav"
    )
    heard = await client.audio.transcriptions.create(model="w", file=("a.wav", spoken.content))
    assert heard.text == "good morning"
    silence = await client.audio.transcriptions.create(model="w", file=("a.wav", wav()))
    assert silence.text == "Hello."


@pytest.mark.parametrize(
    ("fault", "kind"), [("429", openai.RateLimitError), ("500", openai.InternalServerError)]
)
async def test_a_fault_by_status(
    client: openai.AsyncOpenAI, fault: str, kind: type[openai.APIStatusError]
) -> None:
    with pytest.raises(kind) as caught:
        await chat(client, f"m?fault={fault}&retry_after=7")
    assert caught.value.response.headers.get("retry-after") == ("7" if fault == "429" else None)


async def test_die_breaks_the_stream_in_the_middle(
    server: ScriptedServer, client: openai.AsyncOpenAI
) -> None:
    server.script = Script(llm=ChatScript(default="one two three four five six"))
    words = []
    with pytest.raises((openai.APIError, httpx2.TransportError)):
        async for chunk in await chat(client, "m?fault=die"):
            words.append(chunk.choices[0].delta.content)
    assert words == ["one", " two", " three", " four"]


async def test_garbage_is_no_answer(client: openai.AsyncOpenAI) -> None:
    with pytest.raises((openai.APIError, ValueError)):
        await text_of(client, "m?fault=garbage")


async def test_hang_ends_when_the_client_leaves(server: ScriptedServer, client: openai.AsyncOpenAI) -> None:
    asking = asyncio.create_task(chat(client, "m?fault=hang"))
    async with asyncio.timeout(30):
        await until(lambda: bool(server.of("llm")))
        [served] = server.of("llm")
        asking.cancel()
        await until(lambda: served.left)
    assert asking.cancelled()
    assert served.first_byte is None


async def test_drip_sends_a_piece_at_a_time(server: ScriptedServer, client: openai.AsyncOpenAI) -> None:
    server.script = Script(llm=ChatScript(default="a b c"))
    start = time.monotonic()
    assert await text_of(client, "m?fault=drip&drip_ms=20") == "a b c"
    assert time.monotonic() - start >= 0.04


async def test_faults_by_number_and_by_seeded_rate(
    server: ScriptedServer, client: openai.AsyncOpenAI
) -> None:
    async def faults(script: Script, count: int) -> list[FaultKind | None]:
        server.script = script
        for _ in range(count):
            with suppress(openai.APIStatusError):
                await text_of(client)
        return [served.fault for served in server.of("llm")[-count:]]

    by_number = Script(llm=ChatScript(faults=(Fault(kind=FaultKind.BROKEN, requests=(2,)),)))
    assert await faults(by_number, 3) == [None, FaultKind.BROKEN, None]
    by_rate = Script(seed=4, llm=ChatScript(faults=(Fault(kind=FaultKind.BROKEN, rate=0.5),)))
    first = await faults(by_rate, 12)
    assert {None, FaultKind.BROKEN} == set(first)
    assert await faults(by_rate, 12) == first


async def test_a_spread_of_delays_is_repeatable(server: ScriptedServer, client: openai.AsyncOpenAI) -> None:
    async def delays() -> list[float]:
        server.script = Script(seed=9, llm=ChatScript(first_ms=Spread(p50=2, p95=6)))
        for _ in range(5):
            await text_of(client)
        return [served.delay_ms for served in server.of("llm")[-5:]]

    first = await delays()
    assert len(set(first)) == 5
    assert await delays() == first


async def test_the_script_changes_while_it_runs(server: ScriptedServer) -> None:
    async with httpx2.AsyncClient(base_url=server.base_url.removesuffix("/v1")) as http:
        changed = await http.post(
            "/script", json={"llm": {"default": "New."}, "tts": {"first_ms": {"p50": 5, "p95": 9}}}
        )
        assert changed.json()["llm"]["default"] == "New."
        assert server.script.tts.first_ms == Spread(p50=5, p95=9)
        wrong = await http.post("/script", json={"llm": {"defualt": "New."}})
        assert wrong.status_code == 400
        assert "defualt" in wrong.json()["error"]["message"]
        assert (await http.get("/health")).text == "ok"


@pytest.mark.parametrize(
    ("path", "body", "word"),
    [
        ("chat/completions", b"{", "JSON"),
        ("chat/completions", b'{"model": "m"}', "messages"),
        ("chat/completions", b'{"model": "m?wat=1", "messages": [{}]}', "wat"),
        ("audio/speech", b'{"model": "m"}', "input"),
        ("audio/speech", b'{"model": "m", "input": "a", "response_format": "flac"}', "response_format"),
        ("audio/transcriptions", b"", "file"),
    ],
)
async def test_bad_requests_say_what_is_wrong(
    server: ScriptedServer, path: str, body: bytes, word: str
) -> None:
    async with httpx2.AsyncClient(base_url=server.base_url) as http:
        answer = await http.post(path, content=body)
    assert answer.status_code == 400
    assert word in answer.json()["error"]["message"]


def test_delays_are_counted_from_the_request_to_the_first_byte() -> None:
    """Not a timed test: the server's own record must show no byte before its time, and a real wait."""
    with ScriptedServer(Script(llm=ChatScript(first_ms=30, token_ms=10, default="a b c"))) as server:
        with httpx2.Client(base_url=server.base_url) as http:
            body = {"model": "m", "messages": HELLO, "stream": True}
            http.post("chat/completions", json=body)
        [served] = server.requests
    assert served.first_byte is not None
    assert served.finished is not None
    assert served.first_byte - served.arrived >= 0.03
    assert served.finished - served.arrived >= 0.05


def test_a_taken_port_is_named() -> None:
    with ScriptedServer() as server:
        port = httpx2.URL(server.base_url).port
        with pytest.raises(PortTaken, match=str(port)):
            main(["--port", str(port)])


def test_a_wrong_script_is_refused(tmp_path) -> None:  # type: ignore[no-untyped-def]
    path = tmp_path / "script.json"
    path.write_text('{"llm": {"rules": [{"pattern": "("}]}}')
    with pytest.raises(BadInput, match="regular expression"):
        main(["--config", str(path)])
