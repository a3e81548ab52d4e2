"""Talks in text with tools."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest

from trunkline.errors import BadInput
from trunkline.resources.simulations.happenings import Called, Happenings, Said
from trunkline.resources.simulations.mocks import MockedTools
from trunkline.resources.simulations.persona import Cue, Persona, Recorded
from trunkline.resources.simulations.suite_file import MockedAnswer, MockedTool
from trunkline.resources.simulations.text_level import CUT_OFF, play
from trunkline.voice.conversation.profile import GreetingMode, Profile
from trunkline.voice.language.twins import Line, ScriptedLanguageModel

BOOK = MockedTool(parameters={"day": "A day"}, stores="bookings", answers=(MockedAnswer(result={"ok": 1}),))
BYE = Cue(say="Goodbye.", hang_up=True)


async def talk(
    model: ScriptedLanguageModel, *script: Cue, tools: dict[str, MockedTool] | None = None, **profile: Any
) -> Happenings:
    tools = tools or {}
    agent = Profile("Help.", greeting="Hi.", tools=tuple(each.tool(name) for name, each in tools.items()))
    return await play(
        model,
        replace(agent, **profile),
        Persona(script=script),
        MockedTools(tools, {"open": True}),
        3,
        calls=True,
    )


def lines(*said: Line) -> ScriptedLanguageModel:
    """The agent's; the last is not said again."""
    left = list(said)

    def rule(_: Sequence[dict[str, Any]]) -> Line:
        return left.pop(0)

    return ScriptedLanguageModel(rule=rule)


async def test_words_before_a_tool_come_before_its_call_and_words_after_it_after() -> None:
    model = lines(Line("One moment.", tool="book", arguments={"day": "Monday"}), Line("It is **booked**."))
    happened = await talk(model, Cue(to="^Hi", say="Monday."), BYE, tools={"book": BOOK})
    assert happened.turns == (
        Said("agent", "Hi."),
        Said("caller", "Monday."),
        Said("agent", "One moment."),
        Said("agent", "It is booked."),
        Said("caller", "Goodbye."),
    )
    assert happened.calls == (Called("book", {"day": "Monday"}, {"ok": 1}, turn=3),)
    assert happened.state == {"open": True, "bookings": [{"day": "Monday"}]}
    assert happened.end_reason == "human_ended"


async def test_who_is_passed_on_speaks_no_more() -> None:
    tool = MockedTool(answers=(MockedAnswer(result="ok", transfers_to="+15125550170"),))
    model = lines(Line("I put you through.", tool="pass_on"), Line("Bye."))
    happened = await talk(model, Cue(say="A person, please."), tools={"pass_on": tool})
    assert (happened.transfers, happened.end_reason) == (("+15125550170",), "transferred")


async def test_the_agent_ends_with_words_or_its_closing() -> None:
    happened = await talk(lines(Line("", tool="end_call")), Cue(say="Bye."), closing="So long.")
    assert happened.turns[-1] == Said("agent", "So long.")
    assert happened.end_reason == "agent_ended"


async def test_a_talk_without_end_is_cut_off() -> None:
    happened = await talk(ScriptedLanguageModel("Well."), Cue(to="x", say="Never said."))
    assert happened.end_reason == CUT_OFF
    assert len([each for each in happened.turns if each.who == "agent"]) == 3


async def test_an_agent_that_waits_is_spoken_to_first() -> None:
    first = Cue(to="^$", say="Do you have a table?")
    happened = await talk(lines(Line("Yes.")), first, BYE, greeting_mode=GreetingMode.HUMAN)
    assert [each.text for each in happened.turns] == ["Do you have a table?", "Yes.", "Goodbye."]


async def test_a_hello_is_answered_by_the_greeting() -> None:
    first = Cue(to="^$", say="Anybody there?")
    happened = await talk(lines(Line("Yes.")), first, BYE, greeting_mode=GreetingMode.HUMAN)
    assert [each.text for each in happened.turns] == ["Anybody there?", "Hi.", "Goodbye."]


async def test_a_persona_that_a_model_plays() -> None:
    def rule(messages: Sequence[dict[str, Any]]) -> Line:
        persona = "You are a person on the telephone" in messages[0]["content"]
        return Line("Thanks, bye.", tool="end_call") if persona else Line("Hm.")

    agent = Profile("Help.", greeting="Hi.")
    happened = await play(
        ScriptedLanguageModel(rule=rule), agent, Persona(goal="Be brief."), MockedTools({}, {}), 3, calls=True
    )
    assert happened.turns == (Said("agent", "Hi."), Said("caller", "Thanks, bye."))


async def test_a_machine_is_heard_in_sound_only() -> None:
    persona = Persona(recorded=Recorded(says="Leave a message."))
    with pytest.raises(BadInput, match="recorded"):
        await play(ScriptedLanguageModel(), Profile(""), persona, MockedTools({}, {}), 3, calls=False)


async def test_mocks_give_what_fits_first_once_or_always() -> None:
    tool = MockedTool(
        stores="tried",
        answers=(
            MockedAnswer(when={"day": {"pattern": "sun.*"}}, result="closed", fails=True),
            MockedAnswer(when={"day": "Monday"}, result="full", once=True, variables={"why": "full"}),
            MockedAnswer(when={"day": "Monday"}, result={"ok": True}),
        ),
    )
    mocks = MockedTools({"book": tool}, {})
    days = ["Sunday", "Monday", "Monday", "Friday"]
    found = [await mocks.run("book", {"day": day}) for day in days]
    assert [(each.text, each.ok) for each in found[:3]] == [
        ("closed", False),
        ("full", True),
        ('{"ok": true}', True),
    ]
    assert not found[3].ok
    assert mocks.state == {"tried": [{"day": "Monday"}, {"day": "Monday"}]}
    assert mocks.variables == {"why": "full"}
    assert not (await mocks.run("pay", {})).ok
