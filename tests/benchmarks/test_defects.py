"""The agents with planted defects do what is said of them, rules find what rules can, and what is clean stays quiet."""

import json
from collections import Counter

import pytest
from benchmarks.defects import CLEAN, DEFECTS, HOUSES, shapes
from benchmarks.defects.measured import alarms
from benchmarks.defects.played import played
from benchmarks.defects.shapes import DecidedBy, Defect, DefectClass, Level, Variant

from trunkline.resources.simulations.happenings import Happenings
from trunkline.resources.simulations.scripted_caller import LOST
from trunkline.resources.simulations.trials import transcript

ENDS = ("agent_ended", "transferred")


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
async def test_a_clean_talk_comes_to_its_end_and_raises_no_alarm(variant: Variant) -> None:
    happened = await played(variant, Level.TEXT, 0)
    assert happened.end_reason in ENDS, transcript(happened)
    assert not misunderstood(happened), transcript(happened)
    assert alarms(variant, happened) == set()


@pytest.mark.parametrize("defect", DEFECTS, ids=lambda each: each.name)
async def test_a_defect_is_all_that_is_wrong(defect: Defect) -> None:
    happened = await played(defect, Level.TEXT, 0)
    same = Variant("", defect.house, "", lines=defect.lines)
    assert (defect.settings or defect.changed) and not (defect.settings and defect.changed)
    assert (defect.level is Level.VOICE) == bool(defect.settings)
    if defect.changed:
        assert happened != await played(same, Level.TEXT, 0)
    if defect.kind not in (DefectClass.LOOPS, DefectClass.NEVER_ENDS):
        assert happened.end_reason in ENDS, transcript(happened)
        assert LOST not in [each.text for each in happened.turns], transcript(happened)
    else:
        assert happened.end_reason == "human_ended", transcript(happened)


@pytest.mark.parametrize(
    "defect",
    [each for each in DEFECTS if each.decided_by is DecidedBy.RULES],
    ids=lambda each: each.name,
)
async def test_rules_find_each_defect_of_their_classes(defect: Defect) -> None:
    happened = await played(defect, defect.level, 1)
    assert defect.kind in alarms(defect, happened), transcript(happened)


async def test_clean_calls_with_sound_raise_no_alarm() -> None:
    """One of each; the benchmark makes a hundred."""
    for variant in (each for each in CLEAN if each.level is Level.VOICE):
        happened = await played(variant, Level.VOICE, 2)
        assert alarms(variant, happened) == set(), f"{variant.name}, seed 2\n{transcript(happened)}"


def misunderstood(happened: Happenings) -> bool:
    return any(shapes.NOT_UNDERSTOOD in each.text or LOST in each.text for each in happened.turns)


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
