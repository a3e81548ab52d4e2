"""A suite's result as one HTML page that needs nothing else: no script, no font, no address is asked for anything."""

import difflib
from collections.abc import Sequence
from html import escape

from trunkline.resources.simulations import page_call
from trunkline.resources.simulations.coverage import Coverage
from trunkline.resources.simulations.junit import legal
from trunkline.resources.simulations.page_call import badge
from trunkline.resources.simulations.page_style import STYLE
from trunkline.resources.simulations.results import POWER, CaseResult, Flip, SuiteResult
from trunkline.resources.simulations.statistics import Comparison, Interval
from trunkline.resources.simulations.trials import Trial
from trunkline.resources.simulations.verdicts import Outcome

MOST_SOUND = 24_000_000
"""Bytes of recordings that a page holds; those of calls that did not pass come first."""
_POLICY = "default-src 'none'; style-src 'unsafe-inline'; media-src data:"
_SIGNIFICANT = 0.05


def page(result: SuiteResult) -> str:
    """The document. Whatever callers, models and tools said is shown as text, never taken for markup."""
    with_sound = _with_sound(result)
    parts = [
        "<!DOCTYPE html>",
        '<html lang="en"><head><meta charset="utf-8">',
        '<meta name="viewport" content="width=device-width, initial-scale=1">',
        f'<meta http-equiv="Content-Security-Policy" content="{_POLICY}">',
        f"<title>{escape(result.suite)}: {_word(result.passed)}</title>",
        f'<style>{STYLE}</style></head><body><a class="skip" href="#cases">To the cases</a>',
        *_head(result),
        "<main>",
        *_comparison(result),
        *_table(result.cases),
        *(part for n, case in enumerate(result.cases) for part in _case(n, case, with_sound)),
        *_coverage(result.coverage),
        "</main></body></html>",
    ]
    return legal("\n".join(parts) + "\n")


def _with_sound(result: SuiteResult) -> set[int]:
    """Seeds of the trials whose recordings are on the page."""
    trials = [each for case in result.cases for each in case.trials if each.observed.wav]
    left, found = MOST_SOUND, set()
    for each in sorted(trials, key=lambda each: each.outcome is Outcome.PASS):
        left -= len(each.observed.wav)
        if left >= 0:
            found.add(each.seed)
    return found


def _head(result: SuiteResult) -> list[str]:
    passed = sum(case.passed for case in result.cases)
    runs = sum(len(case.trials) for case in result.cases)
    tiles = [_tile("Cases passed", f"{passed} of {len(result.cases)}", f"{runs} runs")]
    for k in sorted({1, result.repeats}):
        name = "A run passes" if k == 1 else f"{k} runs in a row pass"
        tiles.append(_tile(f"{name} (pass^{k})", _percent(result.pass_hat(k)), _range(result.interval(k))))
    if (wait := result.wait) is not None:
        tiles.append(_tile("The agent answers after", f"{wait.median} ms", f"95 of 100 within {wait.p95} ms"))
    return [
        f'<header class="top"><h1>{escape(result.suite)} {_badge(result.passed)}</h1>',
        f'<p class="dim">{escape(result.agent)} · level {escape(result.level)} · seed {result.seed}. '
        "Ranges hold the true share with 95 % confidence.</p>",
        f'<dl class="tiles">{"".join(tiles)}</dl></header>',
    ]


def _tile(name: str, value: str, more: str) -> str:
    return f"<div><dt>{name}</dt><dd>{value}<small>{more}</small></dd></div>"


def _table(cases: Sequence[CaseResult]) -> list[str]:
    rows = [
        f'<tr><th scope="row"><a href="#case-{n}">{escape(case.name)}</a></th><td>{_badge(case.passed)}</td>'
        f'<td class="num">{sum(case.outcomes)} of {len(case.trials)}</td><td>{_bar(case.share, case.interval)}</td></tr>'
        for n, case in enumerate(cases)
    ]
    return [
        '<h2 id="cases">Cases</h2><div class="card wide"><table><thead><tr><th scope="col">case</th>'
        '<th scope="col">result</th><th scope="col">runs passed</th><th scope="col">share, 95 %</th></tr></thead><tbody>',
        *rows,
        "</tbody></table></div>",
    ]


def _case(n: int, case: CaseResult, with_sound: set[int]) -> list[str]:
    found = [
        f'<section class="case" id="case-{n}" aria-labelledby="name-{n}"><header><h3 id="name-{n}">{escape(case.name)}</h3>'
        f'<span class="dim">{sum(case.outcomes)} of {len(case.trials)} runs passed</span></header>'
    ]
    for trial in case.trials:
        opened = "" if trial.outcome is Outcome.PASS else " open"
        found.append(
            f"<details{opened}><summary>{badge(trial.outcome)} run {trial.number}"
            f'<span class="dim small num">seed {trial.seed}</span></summary><div class="run">'
        )
        found += page_call.call(trial, trial.seed in with_sound)
        found.append("</div></details>")
    return [*found, "</section>"]


# ---- against another version ----


def _comparison(result: SuiteResult) -> list[str]:
    if (found := result.comparison) is None or result.against is None:
        return []
    rows = [
        f'<tr><th scope="row">{escape(now.name)}</th><td class="num">{_percent(then.share)} '
        f'{_bar(then.share, then.interval, "then")}</td><td class="num">{_percent(now.share)} {_bar(now.share, now.interval)}</td></tr>'
        for then, now in zip(result.against.cases, result.cases, strict=True)
    ]
    return [
        f"<h2>Against {escape(result.against.agent)}</h2>",
        '<div class="card">',
        f"<p><strong>{_told(found)}</strong></p>",
        f"<p>Difference {found.difference:+.0%} {_signed(found.interval)}; {found.gained} runs gained, {found.lost} lost; "
        f"p = {found.p_value:.3f} (McNemar, exact). {needed(result)}</p>",
        '<div class="wide"><table><thead><tr><th scope="col">case</th><th scope="col">there</th>'
        '<th scope="col">here</th></tr></thead><tbody>',
        *rows,
        "</tbody></table></div></div>",
        *(part for flip in result.flips for part in _flip(flip)),
    ]


def _told(found: Comparison) -> str:
    if found.p_value > _SIGNIFICANT:
        return "These runs show no difference that is more than chance."
    return "This version passes more." if found.difference > 0 else "This version passes less."


def needed(result: SuiteResult) -> str:
    """How many pairs of runs it takes to be sure of what was seen, in words."""
    if (pairs := result.pairs_needed) is None:
        return ""
    made = sum(len(case.trials) for case in result.cases)
    return f"To see a change of this size {POWER:.0%} of the time takes {pairs} pairs of runs; there were {made}."


def _flip(flip: Flip) -> list[str]:
    """A run that came out otherwise, both talks beside each other; what differs is marked."""
    then, now = flip.then, flip.now
    which = "gained" if flip.gained else "lost"
    apart_then, apart_now = _apart(then, now)
    return [
        f'<details><summary><span class="badge {"pass" if flip.gained else "fail"}">{which}</span> '
        f'{escape(now.case)}, run {now.number}<span class="dim small">both talks</span></summary><div class="run pair">',
        f"<div><h4>There: {page_call.WORDS[then.outcome]}</h4>",
        *page_call.talk(then.observed.happened, "The talk of the other version", apart_then),
        f"</div><div><h4>Here: {page_call.WORDS[now.outcome]}</h4>",
        *page_call.talk(now.observed.happened, "The talk of this version", apart_now),
        "</div></div></details>",
    ]


def _apart(then: Trial, now: Trial) -> tuple[set[int], set[int]]:
    """Places of either talk at which they differ."""
    one, other = (
        [each.words for each in page_call.entries(trial.observed.happened)] for trial in (then, now)
    )
    left, right = set(range(len(one))), set(range(len(other)))
    for block in difflib.SequenceMatcher(None, one, other, autojunk=False).get_matching_blocks():
        left -= set(range(block.a, block.a + block.size))
        right -= set(range(block.b, block.b + block.size))
    return left, right


# ---- coverage ----


def _coverage(found: Coverage | None) -> list[str]:
    if found is None or not found.groups:
        return []
    parts = ['<h2>What was tried of the agent</h2><div class="card">']
    for name, group in found.groups.items():
        tried = sum(each.runs > 0 for each in group)
        parts.append(f'<h4>{name[:1].upper()}{name[1:]}: {tried} of {len(group)}</h4><ul class="chips">')
        parts += [
            f"<li{'' if each.runs else ' class=never'}>{escape(each.name)} "
            f'<span class="num">{f"× {each.runs}" if each.runs else "· never"}</span></li>'
            for each in group
        ]
        parts.append("</ul>")
    return [*parts, "</div>"]


# ---- figures ----


def _bar(share: float, interval: Interval, kind: str = "") -> str:
    """A share in its interval, drawn and told."""
    return (
        f'<span class="range {kind}" role="img" aria-label="{_percent(share)}, {_range(interval)}" title="{_range(interval)}">'
        f'<i style="left:{100 * interval.low:.1f}%;width:{100 * (interval.high - interval.low):.1f}%"></i>'
        f'<b style="left:{100 * share:.1f}%"></b></span>'
    )


def _badge(passed: bool) -> str:
    return f'<span class="badge {_word(passed)}">{_word(passed)}</span>'


def _word(passed: bool) -> str:
    return "pass" if passed else "fail"


def _percent(share: float) -> str:
    return f"{share:.0%}"


def _range(interval: Interval) -> str:
    return f"between {interval.low:.0%} and {interval.high:.0%}"


def _signed(interval: Interval) -> str:
    return f"[{interval.low:+.0%}, {interval.high:+.0%}]"
