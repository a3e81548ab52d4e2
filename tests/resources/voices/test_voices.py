"""`GET /v2/voices`, and the voice of an agent."""

from typing import Any

import pytest

from tests.resources.api import Api
from tests.resources.contract import contract
from trunkline.resources.workspaces.models import Workspace
from trunkline.voice.speech.voices import voices_of


async def listed(api: Api, **query: Any) -> dict[str, Any]:
    """A page of voices."""
    answer = await api.send("GET", "/v2/voices/", params=query)
    assert contract.faults(answer, contract.answer_schema("GET", "/voices", 200)) == []
    page: dict[str, Any] = answer["response"]
    return page


async def test_what_the_installation_speaks_with(api: Api) -> None:
    page = await listed(api)
    assert page["pagination"] == {"total_records": 9, "limit": 50, "offset": 0}
    assert page["voices"][0] == {
        "voice_id": "alloy",
        "name": "Alloy",
        "preview": "",
        "workspace": str(api.workspace.id),
        "provider": "elevenlabs",
        "gender": None,
        "languages": None,
    }
    api.app.state.voices = voices_of(endpoint=False)
    (voice,) = (await listed(api))["voices"]
    assert (voice["voice_id"], voice["gender"], voice["languages"]) == ("heart", "female", ["english", "en"])


@pytest.mark.parametrize("provider", ["elevenlabs", "deepgram", "synthflow"])
async def test_whichever_provider_is_asked(api: Api, provider: str) -> None:
    voices = (await listed(api, provider=provider))["voices"]
    assert [voice["provider"] for voice in voices] == [provider] * 9


async def test_pages_and_search(api: Api) -> None:
    page = await listed(api, limit=2, offset=1)
    assert page["pagination"] == {"total_records": 9, "limit": 2, "offset": 1}
    assert [voice["name"] for voice in page["voices"]] == ["Ash", "Coral"]
    assert [voice["name"] for voice in (await listed(api, search="SH"))["voices"]] == ["Ash", "Shimmer"]
    assert (await listed(api, search="nobody"))["pagination"]["total_records"] == 0
    assert (await listed(api, offset=9))["voices"] == []
    assert "provider" in await api.refused("GET", "/v2/voices", params={"provider": "parrot"})
    assert "Limit" in await api.refused("GET", "/v2/voices", params={"limit": 0})


async def test_a_workspace_is_meant_if_it_is_a_subaccount(api: Api, stranger: Api) -> None:
    child = Workspace(name="child", parent_id=api.workspace.id)
    async with api.database.system() as session:
        session.add(child)
    for named, meant in (
        (child.id, child.id),
        (stranger.workspace.id, api.workspace.id),
        ("nothing", api.workspace.id),
        ("", api.workspace.id),
    ):
        voices = (await listed(api, workspace=str(named)))["voices"]
        assert {voice["workspace"] for voice in voices} == {str(meant)}


@pytest.mark.parametrize(("voice", "name"), [("nova", "Nova"), ("wMtz8", "wMtz8"), (None, "")])
async def test_an_agents_voice_has_its_name(api: Api, voice: str | None, name: str) -> None:
    agent = await api.agent(agent={"prompt": "Help.", "voice_id": voice})
    for path, part in ((f"/v2/assistants/{agent}", 0), ("/v2/assistants", 0)):
        shown = (await api.send("GET", path))["response"]["assistants"][part]["agent"]
        assert shown["voice_name"] == name
        assert shown["voice_id"] == (voice or "")
