"""The figures of redaction hold, on a part of what the bench takes."""

from benchmarks.personal import Half, samples
from benchmarks.redaction import score


def test_the_goals_are_kept_on_both_halves() -> None:
    for half in Half:
        total = score(half, 250, seed=7)
        assert total.recall(spoken=False) >= 0.95, total.missed
        assert total.recall(spoken=True) >= 0.95, total.missed
        assert total.precision >= 0.90, total.wrong


def test_the_halves_share_no_sentence() -> None:
    said = {half: {line.text for each in samples(half, 300) for line in each.lines} for half in Half}
    shared = said[Half.TUNING] & said[Half.REPORTING]
    assert all(len(text.split()) <= 8 for text in shared), shared  # the agent's questions are the same


def test_the_same_seed_makes_the_same() -> None:
    assert list(samples(Half.TUNING, 20, 3)) == list(samples(Half.TUNING, 20, 3))
