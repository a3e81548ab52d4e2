"""What a number of simulated calls proves: rates with intervals, two versions compared, how many runs it takes.

Pure functions; shares are between 0 and 1. Randomness comes from a seed alone. Sources: pass^k, Yao et al. 2024
(tau-bench); Wilson 1927; the bootstrap's percentiles, Hesterberg 2015; McNemar 1947 in its exact form; Wald 1945.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from statistics import NormalDist

import numpy as np
import numpy.typing as npt

RESAMPLES = 2000
_MOST_PAIRS = 20_000
_OVERSHOOT = 0.3
"""Part of a step by which a sequential test leaps over its bounds on average; 0.5 left power below what was asked for in
simulations, 0 wasted runs."""
_NORMAL = NormalDist()
_Shares = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Interval:
    """Where the truth lies with the confidence that was asked for."""

    low: float
    high: float


@dataclass(frozen=True)
class Comparison:
    """Two versions over the same scenarios and seeds."""

    difference: float
    """The share of passes after, less that before; the mean over scenarios."""
    interval: Interval
    gained: int
    """Pairs that failed before and pass now."""
    lost: int
    p_value: float
    """Of McNemar's exact test: how often chance alone parts gained and lost by this much or more."""


def pass_hat(passed: int, runs: int, k: int) -> float:
    """pass^k: the probability that k runs drawn without replacement all passed; unbiased for P(pass)^k.

    Raises ValueError where there are fewer than k runs, or more passed than ran.
    """
    if not 1 <= k <= runs or not 0 <= passed <= runs:
        raise ValueError(f"pass^{k} of {passed} passed in {runs} runs: let k be 1 to the number of runs.")
    return math.comb(passed, k) / math.comb(runs, k)


def suite_pass_hat(outcomes: Sequence[Sequence[bool]], k: int) -> float:
    """pass^k of a suite: the mean over its scenarios, each with its runs."""
    return math.fsum(_each_pass_hat(outcomes, k)) / len(outcomes)


def suite_interval(
    outcomes: Sequence[Sequence[bool]], k: int = 1, confidence: float = 0.95, seed: int = 0
) -> Interval:
    """Of pass^k of a suite. Scenarios are drawn, each with all its runs: runs of one scenario resemble each other."""
    return bootstrap(_each_pass_hat(outcomes, k), confidence, seed)


def wilson(passed: int, runs: int, confidence: float = 0.95) -> Interval:
    """Wilson's interval of one share, of runs that do not depend on each other; without runs all is possible."""
    if runs == 0:
        return Interval(0.0, 1.0)
    return _wilson(passed / runs, runs, confidence)


def bootstrap(
    values: Sequence[float],
    confidence: float = 0.95,
    seed: int = 0,
    resamples: int = RESAMPLES,
    bounds: tuple[float, float] = (0.0, 1.0),
) -> Interval:
    """Of the mean of one value a scenario: percentiles of means of scenarios drawn with replacement.

    The percentiles are set wider for few scenarios, as Student's t is wider than the normal distribution. Scenarios
    that are all alike say nothing of those that were not written: then the interval is Wilson's, over as many runs as
    there are scenarios. `bounds` are the least and greatest value there can be.
    """
    if not values:
        return Interval(*bounds)
    sample = np.asarray(values, dtype=np.float64)
    low, high = bounds
    count = len(sample)
    if count == 1 or np.ptp(sample) == 0.0:
        share = _wilson((float(sample[0]) - low) / (high - low), count, confidence)
        return Interval(low + share.low * (high - low), low + share.high * (high - low))
    drawn = np.random.default_rng(seed).integers(0, count, (resamples, count))
    means = np.sort(sample[drawn].mean(axis=1))
    wide = math.sqrt(count / (count - 1)) * _student((1 + confidence) / 2, count - 1)
    tail = _NORMAL.cdf(-wide)
    found = np.quantile(means, [tail, 1 - tail])
    return Interval(max(low, float(found[0])), min(high, float(found[1])))


def mcnemar(gained: int, lost: int) -> float:
    """The two-sided p-value: pairs that differ fall to either side like a fair coin if the versions are alike.

    That holds within each scenario, so that scenarios of different difficulty do no harm.
    """
    differing = gained + lost
    fewer = sum(math.comb(differing, n) for n in range(min(gained, lost) + 1))
    return min(1.0, 2 * fewer / (1 << differing))


def compare(
    before: Sequence[Sequence[bool]],
    after: Sequence[Sequence[bool]],
    confidence: float = 0.95,
    seed: int = 0,
) -> Comparison:
    """Two versions, each with the same scenarios and in each the same seeds in the same order.

    Raises ValueError where runs have no partner, or there are none.
    """
    if [len(runs) for runs in before] != [len(runs) for runs in after] or not all(before) or not before:
        raise ValueError("Each run needs a partner in the other version: the same scenarios, the same seeds.")
    pairs = [list(zip(one, other, strict=True)) for one, other in zip(before, after, strict=True)]
    differences = [sum(now - then for then, now in runs) / len(runs) for runs in pairs]
    flat = [pair for runs in pairs for pair in runs]
    gained = sum(now and not then for then, now in flat)
    lost = sum(then and not now for then, now in flat)
    return Comparison(
        math.fsum(differences) / len(differences),
        bootstrap(differences, confidence, seed, bounds=(-1.0, 1.0)),
        gained,
        lost,
        mcnemar(gained, lost),
    )


def power(pairs: int, before: float, after: float, significance: float = 0.05) -> float:
    """How likely McNemar's exact test sees a change from one share to another in so many pairs.

    The two runs of a pair are taken as independent, which is the worst case: a shared seed makes them alike.
    """
    gain, loss = after * (1 - before), before * (1 - after)
    differ = gain + loss
    if differ == 0.0:
        return 0.0
    whole = _binomial(pairs, differ)
    seen = 0.0
    for differing in np.flatnonzero(whole > 1e-12):
        most = _rejected_upto(int(differing), significance)
        if most >= 0:
            lost = _binomial(int(differing), loss / differ)
            seen += whole[differing] * (lost[: most + 1].sum() + lost[differing - most :].sum())
    return float(seen)


def runs_needed(before: float, after: float, wanted_power: float = 0.8, significance: float = 0.05) -> int:
    """Pairs of runs after which a change from one share to another is seen with this power.

    Raises ValueError for shares so near to each other that more than 20,000 pairs would be needed.
    """
    low, high = 0, 8
    while power(high, before, after, significance) < wanted_power:
        low, high = high, high * 2
        if before == after or high > _MOST_PAIRS:
            raise ValueError(
                f"From {before} to {after} is too small a change to be seen; ask for a larger one."
            )
    while high - low > 1:
        middle = (low + high) // 2
        if power(middle, before, after, significance) < wanted_power:
            low = middle
        else:
            high = middle
    return high


class Decision(StrEnum):
    """What the pairs so far have shown."""

    OPEN = "open"
    BETTER = "better"
    WORSE = "worse"
    NO_DIFFERENCE = "no_difference"
    """None as large as the one that was asked about, in the direction that was."""


class SequentialComparison:
    """Compares two versions pair by pair and stops as soon as it may.

    A probability ratio test of Wald's over the pairs that differ. Chosen over spending of alpha at set looks: looks may
    come after any pair, so that workers report as they finish, and of all tests with the same errors this kind needs
    the fewest runs on average, for alike versions too. It asks whether the new version is worse; a second test, for
    better, runs beside it where both are wanted, each with half of the significance. At the limit what is still open
    ends as "no difference".
    """

    def __init__(
        self,
        before: float,
        worse: float,
        significance: float = 0.05,
        wanted_power: float = 0.8,
        limit: int | None = None,
        both: bool = False,
    ) -> None:
        """`before`, `worse`: the share of passes, and the nearest lower one that must not go unseen.

        `limit`: pairs after which it ends, where None is twice what a test of fixed size needs; less would cost power.
        """
        gain, loss = worse * (1 - before), before * (1 - worse)
        if not 0.0 < gain < loss:
            raise ValueError("worse: give a share above 0 and below the one before, which is below 1.")
        chance = significance / 2 if both else significance
        self._for = math.log(2 * loss / (gain + loss))
        self._against = math.log(2 * gain / (gain + loss))
        self._shown = math.log(wanted_power / chance) - _OVERSHOOT * self._for
        self._excluded = math.log((1 - wanted_power) / (1 - chance)) - _OVERSHOOT * self._against
        self._limit = limit or 2 * runs_needed(before, worse, wanted_power, 2 * chance)
        self._open = {Decision.WORSE: 0.0} | ({Decision.BETTER: 0.0} if both else {})
        self.pairs = 0
        self.decision = Decision.OPEN

    def add(self, before: bool, after: bool) -> Decision:
        """One more pair. Once it is decided, further pairs change nothing."""
        if self.decision is not Decision.OPEN:
            return self.decision
        self.pairs += 1
        if before != after:
            self._weigh(Decision.BETTER if after else Decision.WORSE)
        if self.decision is Decision.OPEN and (not self._open or self.pairs >= self._limit):
            self.decision = Decision.NO_DIFFERENCE
        return self.decision

    def _weigh(self, seen: Decision) -> None:
        for direction, so_far in list(self._open.items()):
            ratio = so_far + (self._for if direction is seen else self._against)
            self._open[direction] = ratio
            if ratio >= self._shown:
                self.decision = direction
            elif ratio <= self._excluded:
                del self._open[direction]


def _each_pass_hat(outcomes: Sequence[Sequence[bool]], k: int) -> list[float]:
    if not outcomes:
        raise ValueError("A suite without scenarios has no pass^k.")
    return [pass_hat(sum(runs), len(runs), k) for runs in outcomes]


def _wilson(share: float, runs: int, confidence: float) -> Interval:
    z = _NORMAL.inv_cdf((1 + confidence) / 2)
    centre = (share + z * z / (2 * runs)) / (1 + z * z / runs)
    half = z / (1 + z * z / runs) * math.sqrt(share * (1 - share) / runs + z * z / (4 * runs * runs))
    # At the ends one bound is the share itself; rounding must not move it.
    low = 0.0 if share == 0.0 else max(0.0, centre - half)
    return Interval(low, 1.0 if share == 1.0 else min(1.0, centre + half))


def _student(probability: float, freedom: int) -> float:
    """Quantile of Student's t, by Cornish and Fisher's series (Abramowitz and Stegun 26.7.5); to 1 % from 4 degrees."""
    z = _NORMAL.inv_cdf(probability)
    terms = (
        (z**3 + z) / 4,
        (5 * z**5 + 16 * z**3 + 3 * z) / 96,
        (3 * z**7 + 19 * z**5 + 17 * z**3 - 15 * z) / 384,
        (79 * z**9 + 776 * z**7 + 1482 * z**5 - 1920 * z**3 - 945 * z) / 92160,
    )
    return z + math.fsum(term / math.pow(freedom, n) for n, term in enumerate(terms, 1))


def _binomial(runs: int, share: float) -> _Shares:
    """The probability of each number of hits."""
    if share in (0.0, 1.0):
        sure = np.zeros(runs + 1)
        sure[-1 if share else 0] = 1.0
        return sure
    hits = np.arange(runs + 1)
    logs = np.concatenate(([0.0], np.cumsum(np.log(np.arange(1, runs + 1)))))
    ways = logs[runs] - logs - logs[::-1]
    found: _Shares = np.exp(ways + hits * math.log(share) + (runs - hits) * math.log1p(-share))
    return found


def _rejected_upto(differing: int, significance: float) -> int:
    """The greatest count of the rarer direction at which so many differing pairs are significant; -1 for none."""
    below = np.cumsum(_binomial(differing, 0.5))
    return int(np.searchsorted(below, significance / 2, side="right")) - 1
