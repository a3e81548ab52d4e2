"""Where a run may go from where."""

from trunkline.resources.simulations.status import TRANSITIONS, RunStatus, sources


def test_a_run_ends_once() -> None:
    for end in (RunStatus.COMPLETED, RunStatus.FAILED):
        assert sources(end) == {RunStatus.IN_PROGRESS}
        assert TRANSITIONS[end] == frozenset()
    assert sources(RunStatus.IN_PROGRESS) == frozenset()
