"""Every name that agents may ask for, at an endpoint that refuses what a model does not take."""

from collections.abc import AsyncIterator

import pytest

from tests.voice.language.contract import ASK
from tests.voice.language.served import served
from tests.voice.language.strict import EFFORTS, SAID, StrictEndpoint, answered_by
from trunkline.resources.agents.vocabulary import LANGUAGE_MODELS
from trunkline.voice.language.openai_llm import OpenAILanguageModel
from trunkline.voice.language.ports import DonePart, TextPart


@pytest.fixture
def endpoint() -> StrictEndpoint:
    return StrictEndpoint()


@pytest.fixture
async def llm(endpoint: StrictEndpoint) -> AsyncIterator[OpenAILanguageModel]:
    async with served(endpoint.application) as url:
        llm = OpenAILanguageModel(f"{url}/v1")
        yield llm
        await llm.close()


@pytest.mark.parametrize("model", LANGUAGE_MODELS)
async def test_each_name_is_asked_as_it_wants(
    llm: OpenAILanguageModel, endpoint: StrictEndpoint, model: str
) -> None:
    parts = [part async for part in llm.reply(model, ASK)]
    assert parts == [TextPart(SAID), DonePart(answered_by(model))]
    [asked] = endpoint.asked
    if efforts := EFFORTS.get(model):
        assert asked["reasoning_effort"] == efforts[0]  # the least there is


def test_the_server_knows_the_whole_family() -> None:
    assert {name for name in LANGUAGE_MODELS if name.startswith("gpt-5")} == set(EFFORTS)
