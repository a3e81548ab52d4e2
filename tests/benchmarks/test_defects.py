"""The agents with planted defects do what is said of them: each talk comes to an end, and each is another talk."""

import json
from collections import Counter
from dataclasses import dataclass, field
from typing import Any

import pytest
from benchmarks.defects import CLEAN, DEFECTS, HOUSES, shapes
from benchmarks.defects.shapes import DecidedBy, Defect, DefectClass, Level, Variant

from trunkline.resources import dialogues
from trunkline.voice.conversation.dialogue import Dialogue
from trunkline.voice.conversation.profile import GreetingMode
from trunkline.voice.driver.ports import ToolAnswer
from trunkline.voice.language.twins import ScriptedLanguageModel

TURNS = 12


@dataclass
class Played:
    """A talk in writing."""

    lines: list[str] = field(default_factory=list)
    calls: list[tuple[str, dict[str, Any]]] = field(default_factory=list)
    end: str = "turns"
    target: str = ""


async def play(variant: Variant) -> Played:
    """Agent and caller in turn, until one of them ends it."""
    played, caller = Played(), variant.caller()
    dialogue, model = Dialogue(variant.profile), ScriptedLanguageModel(rule=variant.rule)
    mocks = {each.tool.name: each for each in variant.house.mocks}

    async def run(name: str, arguments: dict[str, Any]) -> ToolAnswer:
        played.calls.append((name, arguments))
        played.target = mocks[name].transfers.get(arguments.get("destination", ""), played.target)
        return ToolAnswer(mocks[name].result)

    said = ""
    if variant.profile.greeting_mode is GreetingMode.AGENT_STATIC:
        said = variant.profile.greeting
        dialogue.agent_said(said)
        played.lines.append(f"bot: {said}")
    for _ in range(TURNS):
        line = caller.reply(said)
        if line is None:
            played.end = "human"
            break
        played.lines.append(f"human: {line.text}")
        dialogue.user_said(line.text)
        turn = await dialogues.reply(dialogue, model, run)
        said = turn.text
        played.lines.append(f"bot: {said}")
        if turn.ended or played.target:
            played.end = "agent" if turn.ended else "transfer"
            break
    return played


def test_there_are_enough_of_each_class() -> None:
    kinds = Counter(each.kind for each in DEFECTS)
    assert set(kinds) == set(DefectClass) and len(DefectClass) == 10
    assert min(kinds.values()) >= 3
    assert len(DEFECTS) >= 30 and len(CLEAN) >= 10
    names = [each.name for each in (*DEFECTS, *CLEAN)]
    assert len(set(names)) == len(names)
    assert {each.decided_by for each in DEFECTS if each.kind is DefectClass.PROMISES} == {DecidedBy.JUDGE}
    assert {each.house.name for each in CLEAN} == {each.name for each in HOUSES}


@pytest.mark.parametrize("variant", CLEAN, ids=lambda each: each.name)
async def test_a_clean_talk_comes_to_its_end(variant: Variant) -> None:
    played = await play(variant)
    assert played.end in ("agent", "transfer"), "\n".join(played.lines)
    misunderstood = [each for each in played.lines if shapes.NOT_UNDERSTOOD in each or shapes.WHAT in each]
    assert misunderstood == [], "\n".join(played.lines)


@pytest.mark.parametrize("defect", DEFECTS, ids=lambda each: each.name)
async def test_a_defect_is_all_that_is_wrong(defect: Defect) -> None:
    played = await play(defect)
    same = Variant("", defect.house, "", lines=defect.lines)
    assert (defect.settings or defect.changed) and not (defect.settings and defect.changed)
    assert (defect.level is Level.VOICE) == bool(defect.settings)
    if defect.changed:
        assert played != await play(same)
    if defect.kind not in (DefectClass.LOOPS, DefectClass.NEVER_ENDS):
        assert played.end in ("agent", "transfer"), "\n".join(played.lines)
        assert not any(shapes.WHAT in each for each in played.lines), "\n".join(played.lines)
    else:
        assert played.end == "human", "\n".join(played.lines)


async def test_a_rule_reads_what_a_tool_gave() -> None:
    rule = shapes.rule_of([shapes.Answer(r'^\[look \{"day": "Friday"\}\] free', "Friday is free.")])
    call = {
        "id": "c",
        "type": "function",
        "function": {"name": "look", "arguments": json.dumps({"day": "Friday"})},
    }
    asked = {"role": "assistant", "content": None, "tool_calls": [call]}
    line = rule(
        [{"role": "user", "content": "?"}, asked, {"role": "tool", "tool_call_id": "c", "content": "free"}]
    )
    assert line.text == "Friday is free."  # type: ignore[union-attr]
