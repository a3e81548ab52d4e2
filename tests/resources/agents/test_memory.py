"""What is known of the other party, in the prompt."""

from uuid import UUID

import pytest
from sqlalchemy import select, update

from tests.resources.api import BOX, Api
from tests.resources.contacts.test_contacts import made as contact_of
from tests.resources.knowledge.test_bases import made as base_of
from tests.resources.memory.test_memory_stores import STORES
from tests.resources.memory.test_memory_stores import made as store_of
from trunkline.resources.agents.equipment import Equipment, equipment_of
from trunkline.resources.agents.models import Agent
from trunkline.resources.agents.profile import profile_of
from trunkline.resources.memory.models import Memory
from trunkline.resources.memory.recall import HEADING
from trunkline.voice.conversation.dialogue import Dialogue

TEA = "Known:\n- likes tea"


def system(prompt: str, memory: str = TEA, /, **variables: str) -> str:
    """What the model is told at first."""
    agent = Agent(name="A", type="inbound", settings={"prompt": prompt}, max_duration={})
    profile = profile_of(agent, {}, variables, equipment=Equipment(memory=memory))
    assert profile.variables == variables
    return str(Dialogue(profile).messages()[0]["content"])


def test_it_comes_after_all_that_every_call_has_in_common() -> None:
    said = system("Help {name}.", name="Ann")
    assert said.startswith("Help Ann.\n\nYou are on a phone call.")
    assert said.endswith(f"\n\n{TEA}")
    assert system("Help.", "").count("\n\n") == 1


@pytest.mark.parametrize("hole", ["{memory}", "{{ memory }}"])
def test_a_hole_in_the_prompt_takes_it(hole: str) -> None:
    said = system(f"Help.\n{hole}\nBe kind.")
    assert said.startswith(f"Help.\n{TEA}\nBe kind.\n\n")
    assert said.count("likes tea") == 1
    assert system(f"Help.{hole}", "").startswith("Help.\n\n")


def test_a_variable_of_that_name_stands_where_nothing_is_known() -> None:
    assert system("Help. {memory}", "", memory="None.").startswith("Help. None.\n\n")
    assert system("Help. {memory}", TEA, memory="None.").startswith(f"Help. {TEA}\n\n")


def test_what_is_known_fills_no_holes() -> None:
    assert "{name} said" in system("Help. {memory}", "{name} said", name="Ann")


async def test_an_agent_brings_along_what_is_attached_to_it(api: Api) -> None:
    store, agent_id, contact = await store_of(api), await api.agent(), await contact_of(api, "+14155552671")
    base = await base_of(api, name="Menu", rag_use_condition="When asked for food")
    async with api.database.workspace(api.workspace.id) as session:
        agent = (await session.execute(select(Agent).where(Agent.id == UUID(agent_id)))).scalar_one()
        assert await equipment_of(session, BOX, agent, "+14155552671") == Equipment()
    await api.send("POST", f"{STORES}/{store}/assistants/{agent_id}/attach")
    await api.send("POST", f"{STORES}/{store}/contacts/{contact}/attach")
    await api.send("POST", f"/v2/knowledge_base/{base}/attach", params={"model_id": agent_id})
    async with api.database.system() as session:
        await session.execute(update(Memory).values(memory="- likes tea"))
        equipment = await equipment_of(session, BOX, agent, "+14155552671")
        assert (await equipment_of(session, BOX, agent, "")).memory == ""
    assert equipment.memory == f"{HEADING}\n- likes tea"
    [search] = equipment.actions
    assert search.settings["knowledge_bases"] == [
        {"id": base, "name": "Menu", "condition": "When asked for food"}
    ]
    assert [each.name for each in profile_of(agent, {}, {}, equipment=equipment).tools] == [
        "search_knowledge"
    ]
