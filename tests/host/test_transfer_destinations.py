"""Where a transfer leads in a whole call: the model's choice among the entries of a phone book, and what an action gave."""

import json
from typing import Any

from sqlalchemy import select

from tests.host.rig import Rig, parrot
from tests.host.test_actions import attach as attach_custom
from tests.host.test_transfers import Desk, asking, finished
from tests.host.transferring import DESK, attach
from tests.platform.outbound.web import response, web
from tests.resources.calls.conftest import NUMBER
from trunkline.resources.actions.models import Action
from trunkline.resources.agents.models import Agent
from trunkline.resources.calls.models import Call
from trunkline.resources.phone_books.models import PhoneBook, PhoneBookEntry
from trunkline.voice.language.twins import Line as ScriptedReply

CLOSED = "sip:closed@example.org"


async def by_phone_book(rig: Rig, agent: Agent) -> None:
    """A transfer with two entries: nobody is at the second."""
    await attach(rig, agent, phone=None)
    async with rig.database.workspace(agent.workspace_id) as session:
        book = PhoneBook(workspace_id=agent.workspace_id, name="Desks")
        session.add(book)
        await session.flush()
        action = (await session.scalars(select(Action))).one()
        action.phone_book_id = book.id
        for number, condition in ((DESK, "They ask for sales."), (CLOSED, "They want to complain.")):
            entry = PhoneBookEntry(
                workspace_id=agent.workspace_id,
                phone_book_id=book.id,
                phone_number=number,
                transfer_condition=condition,
            )
            session.add(entry)
            await session.flush()


async def test_the_models_choice_is_called_and_stands_on_the_record(rig: Rig, agent: Agent) -> None:
    await by_phone_book(rig, agent)
    named: dict[str, str] = {}

    def answers(messages: Any) -> ScriptedReply:
        last = messages[-1]
        if last["role"] == "tool":
            told = json.JSONDecoder().raw_decode(last["content"])[0]
            return ScriptedReply(tool="to_desk", arguments={"destination": told["next_destinations"][0]})
        if "person" in last["content"]:
            return ScriptedReply(tool="to_desk", arguments={"destination": named["complain"]})
        return parrot(messages)

    rig.answers = answers
    caller = await rig.call(NUMBER)
    await rig.until(lambda: bool(rig.host.live()))
    (call,) = rig.host.live()
    (tool,) = [each for each in call.plan.equipment.actions if each.name == "to desk"]
    entries = tool.settings["phone_book_entries"]
    for n, entry in enumerate(entries, 1):
        named["complain" if "complain" in entry["transfer_condition"] else "sales"] = f"destination_{n}"
    desk = Desk(rig)
    caller.say("a person please")
    await rig.until(lambda: "question." in desk.heard)
    await rig.wait(20)
    await caller.line.hang_up()
    await rig.until(lambda: not rig.host.live())
    async with rig.database.system() as session:
        stored = (await session.execute(select(Call))).scalar_one()
    first, second = [json.loads(run["return_value"]) for run in stored.executed_actions.values()]
    assert (first["destination"], first["failed_reason"]) == (named["complain"], "no_response")
    assert first["attempts"][0]["number"] == CLOSED
    assert first["next_destinations"] == [named["sales"]]
    assert (second["destination"], second["status"]) == (named["sales"], "transfer-success")
    assert second["attempts"][0]["number"] == DESK


async def test_a_destination_that_an_action_gave(rig: Rig, agent: Agent) -> None:
    async with web() as server:
        server.answer = response(200, b'{"desk": {"user": "desk"}}', Content_Type="application/json")
        await attach_custom(rig, agent, server.url(), phase="before", name="who")
        await attach(rig, agent, phone="sip:{results.desk.user}@example.org")
        desk, caller = Desk(rig), await asking(rig)
        await rig.until(lambda: "question." in desk.heard)
    await rig.wait(20)
    await caller.line.hang_up()
    _, value = await finished(rig)
    assert value["attempts"][0]["number"] == DESK
