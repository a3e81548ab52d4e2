"""The judge: which findings a rule makes, which the model, and what they make together."""

import pytest

from tests.resources.evaluations.talks import judging, talk
from trunkline.resources.evaluations.checks import Check
from trunkline.resources.evaluations.judging import judge

NAMES = ["persona", "style", "steps", "no_repetition", "objections", "objection_not_defined", "knowledge", "goal", "appointment", "user_sentiment", "agent_sentiment", "call_completion", "answered_by_human", "opted_in", "no_opt_out", "call_summary"]


def content(check: Check, shown: str) -> tuple[str, str]:
    return "true", "All is well."


async def test_thirty_five_texts_in_the_order_of_the_contract() -> None:
    found = await judge(judging(content), talk())
    pairs = [key for name in NAMES for key in (name, f"{name}_feedback")]
    assert list(found) == [*pairs, "judge_found_partial_or_error", "judge_found_full_error", "all_feedback"]
    assert len(found) == 35
    assert all(isinstance(value, str) for value in found.values())


async def test_what_is_met_or_has_no_bearing_has_no_feedback() -> None:
    def given(check: Check, shown: str) -> tuple[str, str]:
        return ("not_applicable" if check.name == "objections" else "true"), "Because."

    found = await judge(judging(given), talk())
    assert found["objections"] == "not_applicable"
    assert {found[f"{name}_feedback"] for name in NAMES} == {""}
    assert found["judge_found_partial_or_error"] == found["judge_found_full_error"] == "false"
    assert found["all_feedback"] == ""


@pytest.mark.parametrize(
    ("verdict", "partial", "full"),
    [("partial", "true", "false"), ("false", "true", "true")],
    ids=["partial", "false"],
)
async def test_what_is_wrong_is_told_and_counted(verdict: str, partial: str, full: str) -> None:
    def given(check: Check, shown: str) -> tuple[str, str]:
        return (verdict, f"No\n {check.name}.") if check.name in ("style", "goal") else ("true", "Well.")

    found = await judge(judging(given), talk())
    assert (found["style"], found["style_feedback"]) == (verdict, "No style.")
    assert found["all_feedback"] == "style: No style.\ngoal: No goal."
    assert (found["judge_found_partial_or_error"], found["judge_found_full_error"]) == (partial, full)


async def test_feedback_is_bounded() -> None:
    found = await judge(judging(lambda check, shown: ("false", "x" * 5000)), talk())
    assert max(len(found[f"{name}_feedback"]) for name in NAMES) == 300
