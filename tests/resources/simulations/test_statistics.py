"""The numbers of simulations, against exact enumeration, published values and simulated suites."""

import itertools
import math
import random
from fractions import Fraction

import numpy as np
import pytest

from trunkline.resources.simulations import statistics
from trunkline.resources.simulations.statistics import Decision, Interval, SequentialComparison


def enumerated(outcomes: list[bool], k: int) -> Fraction:
    """pass^k by drawing every k of the runs."""
    drawn = list(itertools.combinations(outcomes, k))
    return Fraction(sum(all(each) for each in drawn), len(drawn))


@pytest.mark.parametrize("runs", range(1, 9))
def test_pass_hat_is_what_enumeration_says(runs: int) -> None:
    for passed in range(runs + 1):
        for k in range(1, runs + 1):
            expected = enumerated([True] * passed + [False] * (runs - passed), k)
            assert abs(statistics.pass_hat(passed, runs, k) - float(expected)) <= 1e-9


@pytest.mark.parametrize("share", [0.0, 0.3, 0.75, 1.0])
def test_pass_hat_is_unbiased(share: float) -> None:
    runs, k = 6, 3
    mean = math.fsum(
        math.comb(runs, passed)
        * share**passed
        * (1 - share) ** (runs - passed)
        * statistics.pass_hat(passed, runs, k)
        for passed in range(runs + 1)
    )
    assert mean == pytest.approx(share**k, abs=1e-12)


@pytest.mark.parametrize(("passed", "runs", "k"), [(1, 3, 4), (1, 3, 0), (4, 3, 1), (-1, 3, 1)])
def test_pass_hat_refuses_what_cannot_be(passed: int, runs: int, k: int) -> None:
    with pytest.raises(ValueError, match="pass"):
        statistics.pass_hat(passed, runs, k)


def test_pass_hat_of_a_suite_is_the_mean_over_scenarios() -> None:
    outcomes = [[True, True, False], [True, True, True]]
    assert statistics.suite_pass_hat(outcomes, 2) == pytest.approx((1 / 3 + 1) / 2)
    with pytest.raises(ValueError, match="without scenarios"):
        statistics.suite_pass_hat([], 1)


@pytest.mark.parametrize(
    ("passed", "runs", "low", "high"),
    # Newcombe 1998, table I, method 3 (score without continuity correction).
    [(81, 263, 0.2553, 0.3662), (15, 148, 0.0624, 0.1605), (0, 20, 0.0, 0.1611), (1, 29, 0.0061, 0.1718)],
)
def test_wilson_is_as_published(passed: int, runs: int, low: float, high: float) -> None:
    found = statistics.wilson(passed, runs)
    assert (round(found.low, 4), round(found.high, 4)) == (low, high)
    mirrored = statistics.wilson(runs - passed, runs)
    assert mirrored.low == pytest.approx(1 - found.high)
    assert mirrored.high == pytest.approx(1 - found.low)


def test_without_runs_all_is_possible() -> None:
    assert statistics.wilson(0, 0) == Interval(0.0, 1.0)
    assert statistics.bootstrap([]) == Interval(0.0, 1.0)


@pytest.mark.parametrize(("scenarios", "runs", "k"), [(12, 4, 1), (30, 5, 2)])
def test_intervals_cover_the_truth(scenarios: int, runs: int, k: int) -> None:
    seed, suites = 35, 2000
    rng = np.random.default_rng(seed)
    easy, hard = 4.0, 2.0
    truth = math.prod((easy + n) / (easy + hard + n) for n in range(k))
    covered = 0
    for n in range(suites):
        shares = rng.beta(easy, hard, scenarios)
        outcomes = rng.random((scenarios, runs)) < shares[:, None]
        found = statistics.suite_interval(outcomes.tolist(), k, seed=n)
        covered += found.low <= truth <= found.high
    assert 0.93 <= covered / suites <= 0.97, f"seed {seed}: {covered / suites}"


def test_runs_of_one_scenario_are_no_new_scenarios() -> None:
    few = [[True] * 5, [False] * 5, [True] * 5, [False] * 5, [True] * 5, [True] * 5]
    many = [[each[0]] * 500 for each in few]
    assert statistics.suite_interval(few) == statistics.suite_interval(many)


def test_scenarios_that_all_pass_prove_no_certainty() -> None:
    found = statistics.suite_interval([[True] * 10] * 8)
    assert found == statistics.wilson(8, 8)
    assert found.low < 0.7


def test_one_seed_one_interval() -> None:
    values = [0.1, 0.5, 0.9, 1.0, 0.3]
    assert statistics.bootstrap(values, seed=1) == statistics.bootstrap(values, seed=1)
    assert statistics.bootstrap(values, seed=1) != statistics.bootstrap(values, seed=2)


def test_the_bootstrap_is_what_every_drawing_says() -> None:
    """Against all 7 ** 7 drawings; Student's quantile for 6 degrees of freedom is a table's."""
    values = [0.1, 0.25, 0.4, 0.5, 0.75, 0.9, 1.0]
    count, student = len(values), 2.447
    drawings = np.stack(np.meshgrid(*[np.asarray(values)] * count, indexing="ij")).reshape(count, -1)
    means = np.sort(drawings.mean(axis=0))
    tail = 0.5 * math.erfc(math.sqrt(count / (count - 1)) * student / math.sqrt(2))
    found = statistics.bootstrap(values, seed=1, resamples=200_000)
    assert found.low == pytest.approx(np.quantile(means, tail), abs=0.01)
    assert found.high == pytest.approx(np.quantile(means, 1 - tail), abs=0.01)


def coin_tosses(gained: int, lost: int) -> float:
    """McNemar's p by enumeration of every fall of the coins."""
    count = gained + lost
    apart = abs(gained - lost)
    falls = itertools.product((0, 1), repeat=count)
    return sum(abs(count - 2 * sum(fall)) >= apart for fall in falls) / (1 << count)


@pytest.mark.parametrize("count", range(11))
def test_mcnemar_is_what_enumeration_says(count: int) -> None:
    for gained in range(count + 1):
        lost = count - gained
        assert statistics.mcnemar(gained, lost) == pytest.approx(coin_tosses(gained, lost), abs=1e-12)


def test_a_comparison_tells_what_changed() -> None:
    before = [[True, True], [False, True], [True, True], [False, False]]
    after = [[True, True], [True, True], [True, False], [True, True]]
    found = statistics.compare(before, after)
    assert (found.gained, found.lost) == (3, 1)
    assert found.difference == pytest.approx((0 + 0.5 - 0.5 + 1) / 4)
    assert found.p_value == statistics.mcnemar(3, 1)
    assert found.interval.low < found.difference < found.interval.high


def test_a_pair_without_partner_is_refused() -> None:
    for before, after in (([[True]], [[True, False]]), ([[True]], []), ([], []), ([[]], [[]])):
        with pytest.raises(ValueError, match="partner"):
            statistics.compare(before, after)


def test_alike_versions_are_seldom_called_different() -> None:
    seed, trials = 39, 1000
    rng = np.random.default_rng(seed)
    alarms = outside = 0
    for n in range(trials):
        shares = rng.beta(4, 2, 25)
        before, after = (rng.random((25, 4)) < shares[:, None] for _ in range(2))
        found = statistics.compare(before.tolist(), after.tolist(), seed=n)
        alarms += found.p_value <= 0.05
        outside += not found.interval.low <= 0 <= found.interval.high
    assert alarms / trials <= 0.05, f"seed {seed}"
    assert 0.03 <= outside / trials <= 0.07, f"seed {seed}: {outside / trials}"


def enumerated_power(pairs: int, before: float, after: float) -> float:
    """Power by every way in which so many pairs can fall out."""
    gain, loss = after * (1 - before), before * (1 - after)
    same = 1 - gain - loss
    total = 0.0
    for gained in range(pairs + 1):
        for lost in range(pairs + 1 - gained):
            ways = math.comb(pairs, gained) * math.comb(pairs - gained, lost)
            chance = ways * gain**gained * loss**lost * same ** (pairs - gained - lost)
            total += chance * (statistics.mcnemar(gained, lost) <= 0.05)
    return total


@pytest.mark.parametrize(
    ("pairs", "before", "after"), [(5, 0.9, 0.2), (12, 0.9, 0.4), (25, 0.5, 0.9), (20, 1.0, 0.5)]
)
def test_power_is_what_enumeration_says(pairs: int, before: float, after: float) -> None:
    assert statistics.power(pairs, before, after) == pytest.approx(
        enumerated_power(pairs, before, after), abs=1e-9
    )


@pytest.mark.parametrize(("before", "after"), [(0.9, 0.7), (0.8, 0.7), (0.6, 0.9), (1.0, 0.9)])
def test_runs_needed_are_enough_and_hardly_more(before: float, after: float) -> None:
    pairs = statistics.runs_needed(before, after)
    assert statistics.power(pairs, before, after) >= 0.8
    assert statistics.power(pairs - 1, before, after) < 0.8


def test_alike_shares_are_never_told_apart() -> None:
    for before, after in ((0.8, 0.8), (1.0, 1.0), (0.8, 0.801)):
        with pytest.raises(ValueError, match="too small"):
            statistics.runs_needed(before, after)


def _sequential(
    before: float, after: float, seed: int, both: bool = False, trials: int = 3000
) -> tuple[dict[Decision, float], float]:
    """How often each decision falls, and after how many pairs on average."""
    rng = random.Random(seed)
    counts = dict.fromkeys(Decision, 0)
    pairs = 0
    limit = 2 * statistics.runs_needed(0.85, 0.7, significance=0.05 if both else 0.1)
    for _ in range(trials):
        test = SequentialComparison(0.85, 0.7, limit=limit, both=both)
        while test.decision is Decision.OPEN:
            test.add(rng.random() < before, rng.random() < after)
        counts[test.decision] += 1
        pairs += test.pairs
    return {each: count / trials for each, count in counts.items()}, pairs / trials


def test_stopping_early_keeps_its_errors_and_saves_two_fifths() -> None:
    seed = 39
    fixed = statistics.runs_needed(0.85, 0.7, significance=0.1)
    alike, pairs_alike = _sequential(0.85, 0.85, seed)
    worse, pairs_worse = _sequential(0.85, 0.7, seed)
    assert alike[Decision.WORSE] <= 0.05, f"seed {seed}: {alike}"
    assert worse[Decision.WORSE] >= 0.79, f"seed {seed}: {worse}"
    assert pairs_alike <= 0.6 * fixed and pairs_worse <= 0.6 * fixed, (
        f"{pairs_alike}, {pairs_worse} of {fixed}"
    )


def test_both_directions_share_the_significance() -> None:
    seed = 40
    alike, _ = _sequential(0.85, 0.85, seed, both=True)
    better, _ = _sequential(0.7, 0.85, seed, both=True)
    assert alike[Decision.BETTER] + alike[Decision.WORSE] <= 0.05, f"seed {seed}: {alike}"
    assert better[Decision.BETTER] >= 0.79 and better[Decision.WORSE] < 0.01, f"seed {seed}: {better}"


def test_a_comparison_that_is_decided_stays_so() -> None:
    test = SequentialComparison(0.9, 0.5)
    while test.add(True, False) is Decision.OPEN:
        pass
    pairs = test.pairs
    assert test.decision is Decision.WORSE
    assert test.add(False, True) is Decision.WORSE and test.pairs == pairs


def test_pairs_that_never_differ_end_at_the_limit() -> None:
    test = SequentialComparison(0.9, 0.5, limit=7)
    decisions = [test.add(True, True) for _ in range(7)]
    assert decisions == [Decision.OPEN] * 6 + [Decision.NO_DIFFERENCE]


@pytest.mark.parametrize(("before", "worse"), [(0.8, 0.8), (1.0, 0.8), (0.5, 0.0), (0.5, 0.6)])
def test_a_sequential_test_needs_a_lower_share(before: float, worse: float) -> None:
    with pytest.raises(ValueError, match="below the one before"):
        SequentialComparison(before, worse)
