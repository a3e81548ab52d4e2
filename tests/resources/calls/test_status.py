"""The transition table, arrow by arrow."""

from itertools import product

import pytest

from trunkline.errors import IllegalTransition
from trunkline.resources.calls.status import FINAL, TRANSITIONS, CallStatus, move, sources

ARROWS = """
registered -> ringing in-progress failed canceled
pending -> queue paused ringing in-progress no-answer busy failed canceled user-canceled spam
queue -> pending paused ringing in-progress no-answer busy failed canceled user-canceled spam
paused -> pending canceled
ringing -> in-progress no-answer busy failed canceled user-canceled spam
in-progress -> completed failed user-canceled hangup_on_voicemail left_voicemail
"""
ALLOWED = {
    (CallStatus(source.strip()), CallStatus(to))
    for source, arrows in (line.split(" -> ") for line in ARROWS.strip().splitlines())
    for to in arrows.split()
}


@pytest.mark.parametrize(("source", "to"), list(product(CallStatus, CallStatus)), ids=lambda s: s.value)
def test_each_pair_moves_or_is_refused_by_name(source: CallStatus, to: CallStatus) -> None:
    if (source, to) in ALLOWED:
        assert move(source, to) is to
        assert source in sources(to)
    else:
        with pytest.raises(IllegalTransition, match=f"from {source} to {to};"):
            move(source, to)
        assert source not in sources(to)


def test_the_table_knows_every_status_and_the_final_ones_stay() -> None:
    assert set(TRANSITIONS) == set(CallStatus)
    expected = (
        "completed no-answer busy failed canceled user-canceled hangup_on_voicemail left_voicemail spam"
    )
    assert set(expected.split()) == FINAL


def test_every_call_can_come_to_an_end() -> None:
    for start in CallStatus:
        seen, todo = set[CallStatus](), [start]
        while todo:
            here = todo.pop()
            if here not in seen:
                seen.add(here)
                todo.extend(TRANSITIONS[here])
        assert seen & FINAL, start
