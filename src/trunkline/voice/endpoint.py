"""What all OpenAI-compatible adapters share: the client, and its faults in our words."""

import json
from collections.abc import Iterator
from contextlib import contextmanager, suppress

import httpx2
import openai

from trunkline.errors import ProviderError, ProviderRefused, ProviderTimeout


def client(base_url: str, api_key: str, silence: float) -> openai.AsyncOpenAI:
    """`silence`: the longest wait, in seconds, for a first or a further byte. No retries: a call does not wait."""
    return openai.AsyncOpenAI(
        base_url=base_url,
        api_key=api_key or "none",
        timeout=httpx2.Timeout(silence, connect=min(3.0, silence)),
        max_retries=0,
    )


async def rehearse() -> None:
    """Use each kind of request once against nobody: the client's first use of each costs 70 to 200 ms.

    Measured on two cores: first chat 200 ms, first speech and transcription 70 ms each; later ones 4 to 6.
    """
    async with httpx2.AsyncClient(trust_env=False) as real:
        with suppress(httpx2.HTTPError):  # refused: it is enough that the way there is loaded
            await real.get("http://127.0.0.1:9/")
    transport = httpx2.MockTransport(_rehearsal)
    async with openai.AsyncOpenAI(
        base_url="http://rehearsal/v1", api_key="none", http_client=httpx2.AsyncClient(transport=transport)
    ) as nobody:
        asked = {"model": "none", "messages": [{"role": "user", "content": "none"}], "stream": True}
        chat = await nobody.post(
            "/chat/completions",
            body=asked,
            cast_to=object,
            stream=True,
            stream_cls=openai.AsyncStream[object],
        )
        async for _ in chat:
            pass
        await nobody.audio.transcriptions.create(model="none", file=("none.wav", b"", "audio/wav"))
        async with nobody.audio.speech.with_streaming_response.create(
            model="none", voice="alloy", input="none", response_format="pcm"
        ) as speech:
            await speech.read()


def _rehearsal(request: httpx2.Request) -> httpx2.Response:
    if request.url.path.endswith("/chat/completions"):
        chunk = {"id": "1", "object": "chat.completion.chunk", "created": 0, "model": "none"}
        choice = {"index": 0, "delta": {"content": "none"}, "finish_reason": None}
        data = json.dumps(chunk | {"choices": [choice]})
        stream = f"data: {data}\n\ndata: [DONE]\n\n"
        return httpx2.Response(200, headers={"content-type": "text/event-stream"}, content=stream)
    if request.url.path.endswith("/audio/transcriptions"):
        return httpx2.Response(200, json={"text": "none"})
    return httpx2.Response(200, headers={"content-type": "audio/pcm"}, content=bytes(2))


def answered(what: str, status: int, text: str) -> ProviderError:
    """The error for an HTTP status: is it this request that is wrong, or the provider (or our key) that is not well?"""
    kind = ProviderRefused if 400 <= status < 500 and status not in _UNWELL else ProviderError
    return kind(f"{what} answered {status}: {text[:200]}")


_UNWELL = (401, 402, 403, 408, 425, 429)


@contextmanager
def faults(what: str) -> Iterator[None]:
    """Time-outs as ProviderTimeout, other faults as ProviderError."""
    try:
        yield
    except (openai.APITimeoutError, httpx2.TimeoutException, TimeoutError) as error:
        raise ProviderTimeout(f"{what} did not answer in time") from error
    except openai.APIStatusError as error:
        raise answered(what, error.status_code, error.message) from error
    except ValueError as error:  # neither JSON nor even text
        raise ProviderError(f"{what} answered with nonsense") from error
    except (openai.OpenAIError, httpx2.HTTPError) as error:
        raise ProviderError(f"{what} failed: {error or type(error).__name__}") from error
