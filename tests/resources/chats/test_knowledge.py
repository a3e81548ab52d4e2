"""Chats look things up in the agent's knowledge."""

import json
from collections.abc import Sequence
from typing import Any
from uuid import uuid4

from tests.resources.api import Api
from tests.resources.chats.test_chats import write
from tests.resources.knowledge.test_search import FACTS, filled
from trunkline.resources.language import Language
from trunkline.voice.language.embeddings_twin import WordEmbeddings
from trunkline.voice.language.twins import Line, ScriptedLanguageModel


async def test_an_answer_from_a_document(api: Api) -> None:
    words = WordEmbeddings()
    base, agent, chat_id = await filled(api, words), await api.agent(), str(uuid4())
    await api.send("POST", f"/v2/knowledge_base/{base}/attach", params={"model_id": agent})

    def answers(messages: Sequence[dict[str, Any]]) -> Line:
        last = messages[-1]
        if last["role"] != "tool":
            return Line(tool="search_knowledge", arguments={"question": "open on Saturday"})
        return Line(json.loads(last["content"])["passages"][0]["text"])

    model = ScriptedLanguageModel(rule=answers)
    api.app.state.language = Language(talk=model, think=model)
    api.app.state.embeddings = words
    await api.send("POST", f"/v2/chat/{chat_id}", json={"model_id": agent})
    assert (await write(api, chat_id, "When can I come?"))["agent_message"] == FACTS["hours"]
