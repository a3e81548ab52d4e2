"""The search as a tool of an agent, on the real database."""

import json
from typing import Any
from uuid import UUID, uuid4

import pytest
from jsonschema import Draft202012Validator

from tests.resources.api import BOX, Api
from tests.resources.knowledge.test_bases import made
from tests.resources.knowledge.test_search import FACTS, filled
from trunkline.errors import ModelMissing, Unavailable
from trunkline.resources.actions.work import Means, Occasion, Outcome, PlannedAction
from trunkline.resources.knowledge import answering
from trunkline.resources.knowledge.models import KnowledgeBase
from trunkline.resources.knowledge.repository import KnowledgeRepository
from trunkline.voice.conversation.profile import Medium
from trunkline.voice.language.embeddings import Embeddings, Vectors
from trunkline.voice.language.embeddings_twin import WordEmbeddings


def base(name: str = "Menu", condition: str = "When asked\nfor food") -> KnowledgeBase:
    return KnowledgeBase(id=uuid4(), name=name, rag_use_condition=condition)


def search_of(*bases: KnowledgeBase) -> PlannedAction:
    [action] = answering.planned(bases)
    return action


async def answered(
    api: Api, bases: list[UUID], question: Any, embeddings: Embeddings | None = None
) -> Outcome:
    means = Means(api.database, BOX, api.platform.outbound, embeddings=embeddings or WordEmbeddings())
    occasion = Occasion(api.workspace.id, uuid4(), "call", Medium.CALL, {}, "run")
    action = search_of(*(KnowledgeBase(id=each, name="B", rag_use_condition="") for each in bases))
    return await answering.run(means, action, {"question": question}, occasion)


def test_one_tool_says_when_to_search_which_base() -> None:
    action = search_of(base(), base("Prices", ""))
    tool = answering.tool_of(action)
    assert tool.name == "search_knowledge"
    assert "\n- Menu: When asked for food\n- Prices: whenever" in tool.description
    assert tool.record == {"parameters_hard_coded": {"knowledge_bases": ["Menu", "Prices"]}}
    Draft202012Validator.check_schema(tool.parameters)
    assert tool.bound({"question": "x", "bases": "all"}) == {"question": "x"}
    assert action.phase == "during"


def test_an_agent_without_bases_has_no_search() -> None:
    assert answering.planned(()) == ()


async def test_what_is_found_comes_with_its_sources(api: Api) -> None:
    bases = [await filled(api, WordEmbeddings())]
    outcome = await answered(api, bases, "When is the shop open on Saturday?")
    assert outcome.ok
    assert outcome.error == ""
    best, *_ = outcome.value["passages"]
    assert best.pop("similarity") > 0.3
    UUID(best.pop("source_id"))
    assert best == {"source": "hours", "position": 0, "text": FACTS["hours"]}
    assert len(outcome.value["passages"]) == 5
    assert "not meant for you" in outcome.value["note"]
    assert outcome.value["ms"] >= 0
    json.dumps(outcome.value)


async def test_nothing_is_found(api: Api) -> None:
    base_id = await filled(api, WordEmbeddings(), {})
    assert (await answered(api, [base_id], "Anything?")).value["passages"] == []


async def test_bases_of_others_hold_nothing(api: Api, stranger: Api) -> None:
    theirs = await filled(stranger, WordEmbeddings())
    assert (await answered(api, [theirs], "open on Saturday")).value["passages"] == []


@pytest.mark.parametrize("question", ["", "  ", None, 7, ["open"]], ids=str)
async def test_a_search_without_a_question(api: Api, question: Any) -> None:
    outcome = await answered(api, [uuid4()], question)
    assert not outcome.ok
    assert "question" in outcome.error


@pytest.mark.parametrize("error", [ModelMissing("no model"), Unavailable("the database is away")], ids=str)
async def test_a_search_that_fails_is_told(api: Api, error: Exception) -> None:
    class Broken:
        async def embed(self, texts: object) -> Vectors:
            raise error

    outcome = await answered(api, [uuid4()], "open?", Broken())
    assert not outcome.ok
    assert outcome.error == str(error)
    assert "cannot look it up" in outcome.value["error"]


async def test_bases_of_an_agent_are_its_search(api: Api) -> None:
    agent, mine, other = await api.agent(), await made(api), await made(api)
    await api.send("POST", f"/v2/knowledge_base/{mine}/attach", params={"model_id": agent})
    async with api.database.workspace(api.workspace.id) as session:
        bases = await KnowledgeRepository(session, api.workspace.id).bases_of(UUID(agent))
    [action] = answering.planned(bases)
    assert mine in str(action.settings)
    assert other not in str(action.settings)
