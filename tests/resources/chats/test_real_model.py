"""A chat with the installation's own small model."""

from pathlib import Path
from uuid import uuid4

import pytest

from tests.resources.api import Api
from tests.voice.language.served import model_server
from trunkline.resources.language import Language
from trunkline.voice.language.routes import language_model
from trunkline.voice.models.store import Store


@pytest.mark.timeout(600)
@pytest.mark.models("llm-1.5b")
async def test_a_chat_with_the_small_model(api: Api, models_folder: Path) -> None:
    file = Store(models_folder).path("llm-1.5b", "qwen2.5-coder-1.5b-instruct-q4_k_m.gguf")
    async with model_server(file) as base_url:
        model = language_model(base_url, embedded=True)
        api.app.state.language = Language(talk=model, think=model)
        agent = await api.agent(
            agent={
                "prompt": "You are the receptionist of {shop}. You open at 9.",
                "greeting_message_mode": "agent_dynamic",
            }
        )
        path = f"/v2/chat/{uuid4()}"
        begun = await api.send("POST", path, json={"model_id": agent, "metadata": {"shop": "Bell Dentists"}})
        assert begun["response"]["initial_message"]["agent_message"]
        answer = await api.send("POST", f"{path}/messages", json={"message": "When do you open?"})
        assert "9" in answer["response"]["agent_message"] or "nine" in answer["response"]["agent_message"]
        await api.send("POST", f"{path}/messages", json={"message": "Thank you, goodbye."})
        assert (await api.send("GET", path))["response"]["chat_status"] == "completed"
        await model.close()
