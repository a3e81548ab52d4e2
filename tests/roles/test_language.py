"""Which models a role thinks with; a role without any runs."""

import os
from pathlib import Path

import pytest

from trunkline.errors import Unavailable
from trunkline.roles import runfile
from trunkline.roles.language import ModelEndpoint, endpoint, thinking
from trunkline.settings import Settings
from trunkline.voice.language.embedded import EmbeddedLanguageModel
from trunkline.voice.language.openai_llm import OpenAILanguageModel

ASK = [{"role": "user", "content": "When do you open?"}]
RUNNING = runfile.RunState(
    pid=0,
    api_url="http://127.0.0.1:8000",
    sip_address="127.0.0.1:5060",
    voice_url="http://127.0.0.1:8010",
    database_url="postgresql://nobody@127.0.0.1/none",
    llm_url="http://127.0.0.1:9/v1",
    llm_embedded=True,
)


async def test_what_is_set_goes_before_what_runs(tmp_path: Path) -> None:
    with runfile.HomeLock(tmp_path):
        runfile.write(tmp_path, runfile.RunState(**{**vars(RUNNING), "pid": os.getpid()}))
        assert endpoint(Settings(home=tmp_path)) == ModelEndpoint(RUNNING.llm_url, embedded=True)
        set_ = Settings(home=tmp_path, llm_base_url="http://127.0.0.1:8/v1")
        assert endpoint(set_) == ModelEndpoint("http://127.0.0.1:8/v1", embedded=False)


@pytest.mark.parametrize(("embedded", "kind"), [(True, EmbeddedLanguageModel), (False, OpenAILanguageModel)])
async def test_a_role_talks_and_thinks_with_the_same_endpoint(
    tmp_path: Path, embedded: bool, kind: type[object]
) -> None:
    settings = Settings(home=tmp_path, llm_base_url="http://127.0.0.1:9/v1", llm_embedded=embedded)
    async with thinking(settings) as language:
        assert isinstance(language.talk, kind)
        assert isinstance(language.think, kind)
        assert language.talk is not language.think


async def test_without_a_model_the_role_runs_and_who_needs_one_is_told(tmp_path: Path) -> None:
    async with thinking(Settings(home=tmp_path)) as language:
        await language.talk.warm("any", ASK)
        with pytest.raises(Unavailable, match="TRUNKLINE_LLM_BASE_URL"):
            await anext(aiter(language.talk.reply("any", ASK)))
        with pytest.raises(Unavailable, match="TRUNKLINE_LLM_BASE_URL"):
            await language.think.fill("any", ASK, {"type": "object"}, "note")
