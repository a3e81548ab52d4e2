"""Versions of agents: every write makes one."""

from typing import Any

from tests.resources.api import Api

AGENT = {"type": "outbound", "name": "A", "agent": {"prompt": "One.", "llm": "gpt-5.2"}}


async def written_thrice(api: Api) -> str:
    agent = await api.agent(agent={"prompt": "One.", "llm": "gpt-5.2"})
    await api.send("PUT", f"/v2/assistants/{agent}", json={"agent": {"prompt": "Two."}, "description": "D"})
    await api.send("PUT", f"/v2/assistants/{agent}", json={"name": "B"})
    return agent


async def versions(api: Api, agent: str, **query: Any) -> Any:
    return await api.send("GET", f"/trunkline/v1/agents/{agent}/versions", params=query)


async def test_every_write_makes_one(api: Api) -> None:
    agent = await written_thrice(api)
    listed = await versions(api, agent)
    assert [each["version"] for each in listed["items"]] == ["3", "2", "1"]
    assert [each["name"] for each in listed["items"]] == ["B", "A", "A"]
    assert [each["is_live"] for each in listed["items"]] == [True, False, False]
    assert listed["total"] == 3
    page = await versions(api, agent, page_number=2, page_size=2)
    assert [each["version"] for each in page["items"]] == ["1"]


async def test_a_refused_write_makes_none(api: Api) -> None:
    agent = await api.agent()
    await api.refused("PUT", f"/v2/assistants/{agent}", json={"voicemail_message": {"enabled": True}})
    assert (await versions(api, agent))["total"] == 1


async def test_one_version_and_what_it_changed(api: Api) -> None:
    agent = await written_thrice(api)
    base = f"/trunkline/v1/agents/{agent}/versions"
    first = await api.send("GET", f"{base}/1")
    assert first["content"]["settings"] == {"prompt": "One.", "llm": "gpt-5.2"}
    assert await api.send("GET", f"{base}/2/diff") == {
        "from_version": "1",
        "to_version": "2",
        "changes": [
            {"path": "description", "before": None, "after": "D"},
            {"path": "settings.prompt", "before": "One.", "after": "Two."},
        ],
    }
    changes = (await api.send("GET", f"{base}/1/diff?against=3"))["changes"]
    assert {"path": "name", "before": "B", "after": "A"} in changes
    assert {"path": "name", "before": None, "after": "A"} in (await api.send("GET", f"{base}/1/diff"))[
        "changes"
    ]


async def test_a_restored_version_is_the_newest(api: Api) -> None:
    agent = await written_thrice(api)
    restored = await api.send("POST", f"/trunkline/v1/agents/{agent}/versions/1/restore")
    assert (restored["version"], restored["restored_from"], restored["is_live"]) == ("4", "1", True)
    shown = (await api.send("GET", f"/v2/assistants/{agent}"))["response"]["assistants"][0]
    assert (shown["name"], shown["description"], shown["agent"]["prompt"]) == ("A", "", "One.")
    diff = await api.send("GET", f"/trunkline/v1/agents/{agent}/versions/4/diff?against=1")
    assert diff["changes"] == []


async def test_another_type_is_not_restored(api: Api) -> None:
    agent = await api.agent()
    await api.send("PUT", f"/v2/assistants/{agent}", json={"type": "inbound"})
    description = await api.refused("POST", f"/trunkline/v1/agents/{agent}/versions/1/restore")
    assert "outbound" in description


async def test_unknown_ones(api: Api, stranger: Api) -> None:
    agent = await api.agent()
    base = f"/trunkline/v1/agents/{agent}/versions"
    for n in ("0", "2", "x", "-1", "99999999999999999999", "²"):
        for path in (f"{base}/{n}", f"{base}/{n}/diff"):
            await api.refused("GET", path, 404)
    await api.refused("GET", f"{base}/1/diff?against=9")
    for method, path in (("GET", base), ("GET", f"{base}/1"), ("POST", f"{base}/1/restore")):
        theirs = await stranger.refused(method, path, 404)
        assert theirs == f"There is no agent {agent}."


async def attached(api: Api, agent: str) -> Any:
    shown = await api.send("GET", f"/v2/assistants/{agent}?include_actions=true")
    return shown["response"]["assistants"][0]["actions"]


async def test_actions_are_of_a_version(api: Api) -> None:
    inline = {"type": "SEND_SMS", "name": "sms", "SEND_SMS": {"content": "Hi", "instructions": "Now."}}
    agent = await api.agent(actions=[inline])
    [first] = await attached(api, agent)
    made = await api.send("POST", "/v2/actions", json={"INCALL_SMS": {"message_body": "Hello"}})
    other = made["response"]["action_id"]
    await api.send("POST", "/v2/actions/attach", json={"model_id": agent, "actions": [other]})
    await api.send("POST", "/v2/actions/detach", json={"model_id": agent, "actions": [first]})
    await api.send("PUT", f"/v2/assistants/{agent}", json={"actions": []})
    base = f"/trunkline/v1/agents/{agent}/versions"
    kept = [(await api.send("GET", f"{base}/{n}"))["content"]["actions"] for n in (1, 2, 3, 4)]
    assert [[each["action_id"] for each in one] for one in kept] == [[first], [first, other], [other], []]

    await api.send("POST", f"{base}/2/restore")
    assert await attached(api, agent) == [first, other]
    await api.send("DELETE", f"/v2/actions/{other}")
    assert other in await api.refused("POST", f"{base}/2/restore")
    await api.send("POST", f"{base}/1/restore")
    assert await attached(api, agent) == [first]


async def test_an_unused_inline_action_comes_back_with_its_version(api: Api) -> None:
    inline = {"type": "SEND_SMS", "name": "sms", "SEND_SMS": {"content": "Hi", "instructions": "Now."}}
    agent = await api.agent(actions=[inline])
    [first] = await attached(api, agent)
    await api.send("PUT", f"/v2/assistants/{agent}", json={"actions": []})
    await api.refused("GET", f"/v2/actions/{first}", 404)
    await api.send("POST", f"/trunkline/v1/agents/{agent}/versions/1/restore")
    assert await attached(api, agent) == [first]
    await api.send("GET", f"/v2/actions/{first}")
