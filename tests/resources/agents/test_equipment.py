"""What an agent brings into a talk, read off its attachments."""

from typing import Any
from uuid import UUID

from tests.resources.actions.bodies import BODIES, CUSTOM
from tests.resources.api import Api
from trunkline.platform.outbound.masking import MASK
from trunkline.resources.actions.models import AgentAction
from trunkline.resources.agents.equipment import Equipment, equipment_of
from trunkline.resources.agents.repository import AgentRepository

SECRET: dict[str, Any] = {"custom_auth": {"is_needed": True, "value": "s3cret"}}


async def create(api: Api, type_: str = "CUSTOM_ACTION", **changes: Any) -> str:
    made = await api.send("POST", "/v2/actions", json={type_: {**BODIES[type_], **changes}})
    return str(made["response"]["action_id"])


async def attach(api: Api, agent: str, action: str, **how: Any) -> None:
    items = [{"action_id": action, **how}]
    await api.send("POST", "/v2/actions/attach", json={"model_id": agent, "items": items})


async def equipped(api: Api, agent_id: str) -> Equipment:
    """As a talk would have it now."""
    async with api.database.workspace(api.workspace.id) as session:
        agent = await AgentRepository(session, api.workspace.id).get(agent_id)
        assert agent is not None
        return await equipment_of(session, api.platform.secrets, agent, "")


async def test_actions_come_in_their_order_with_secrets_opened_and_how_they_are_attached(api: Api) -> None:
    agent = await api.agent()
    mapping = [{"variable_name": "city", "source": "hardcoded", "hardcoded_value": "Rome"}]
    sms, custom = await create(api, "SEND_SMS"), await create(api, **SECRET)
    await attach(api, agent, sms, attachment_type="after")
    await attach(api, agent, custom, trigger_condition="When asked.", input_variables_mapping=mapping)
    first, second = (await equipped(api, agent)).actions
    assert (str(first.id), first.type, first.phase) == (sms, "SEND_SMS", "after")
    assert (str(second.id), second.type, second.phase) == (custom, "CUSTOM_ACTION", "during")
    assert (second.name, second.trigger_condition) == (CUSTOM["name"], "When asked.")
    assert second.settings["custom_auth"]["value"] == "s3cret"
    assert list(second.mapping) == mapping
    assert MASK not in repr(second) and "s3cret" not in repr(second)


async def test_an_action_that_runs_before_the_call_says_so_by_its_settings_too(api: Api) -> None:
    agent = await api.agent()
    await attach(api, agent, await create(api, run_action_before_call_start=True))
    await attach(api, agent, await create(api), attachment_type="before")
    assert [each.phase for each in (await equipped(api, agent)).actions] == ["before", "before"]


async def test_what_is_deleted_or_detached_is_not_brought(api: Api) -> None:
    agent, gone, taken = await api.agent(), await create(api), await create(api)
    for action in (gone, taken):
        await attach(api, agent, action)
    await api.send("DELETE", f"/v2/actions/{gone}")
    await api.send("POST", "/v2/actions/detach", json={"model_id": agent, "actions": [taken]})
    assert (await equipped(api, agent)).actions == ()


async def test_a_version_brings_the_actions_that_it_had(api: Api) -> None:
    agent, former, today = await api.agent(), await create(api), await create(api)
    await attach(api, agent, today)
    async with api.database.workspace(api.workspace.id) as session:
        row = await AgentRepository(session, api.workspace.id).get(agent)
        assert row is not None
        had = AgentAction(
            agent_id=row.id,
            action_id=UUID(former),
            position=0,
            attachment_type="during",
            input_variables_mapping=[],
        )
        found = await equipment_of(session, api.platform.secrets, row, "", [had])
    assert [str(each.id) for each in found.actions] == [former]


async def test_text_messages_are_of_after_the_call(api: Api) -> None:
    agent = await api.agent()
    await attach(api, agent, await create(api, "SEND_SMS"))
    assert [each.phase for each in (await equipped(api, agent)).actions] == ["after"]


async def test_the_workspaces_tool_servers_come_with_their_headers_opened(api: Api) -> None:
    servers = [{"mcp_url": "https://tools.example.com/mcp", "headers": {"Authorization": "Bearer s3cret"}}]
    await api.send("POST", f"/v2/workspaces/{api.workspace.id}/mcp-config", json={"servers": servers})
    (server,) = (await equipped(api, await api.agent())).tool_servers
    assert (server.url, server.headers) == (servers[0]["mcp_url"], {"Authorization": "Bearer s3cret"})
    assert "s3cret" not in repr(server)
