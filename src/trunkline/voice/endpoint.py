"""What all OpenAI-compatible adapters share: the client, and its faults in our words."""

from collections.abc import Iterator
from contextlib import contextmanager

import httpx2
import openai

from trunkline.errors import ProviderError, ProviderTimeout


def client(base_url: str, api_key: str, silence: float) -> openai.AsyncOpenAI:
    """`silence`: the longest wait, in seconds, for a first or a further byte. No retries: a call does not wait."""
    return openai.AsyncOpenAI(
        base_url=base_url,
        api_key=api_key or "none",
        timeout=httpx2.Timeout(silence, connect=min(3.0, silence)),
        max_retries=0,
    )


@contextmanager
def faults(what: str) -> Iterator[None]:
    """Time-outs as ProviderTimeout, other faults as ProviderError."""
    try:
        yield
    except (openai.APITimeoutError, httpx2.TimeoutException, TimeoutError) as error:
        raise ProviderTimeout(f"{what} did not answer in time") from error
    except openai.APIStatusError as error:
        raise ProviderError(f"{what} answered {error.status_code}: {error.message[:200]}") from error
    except (openai.OpenAIError, httpx2.HTTPError) as error:
        raise ProviderError(f"{what} failed: {error or type(error).__name__}") from error
