"""A suite's result as one HTML page that needs nothing else: no script, no font, no address is asked for anything."""

import base64
from collections.abc import Mapping, Sequence
from html import escape
from typing import Any

from trunkline.resources.simulations.junit import legal
from trunkline.resources.simulations.results import CaseResult, SuiteResult
from trunkline.resources.simulations.statistics import Interval
from trunkline.resources.simulations.trials import Demand, Trial, lines
from trunkline.resources.simulations.verdicts import Outcome

_STYLE = """
:root{color-scheme:light dark;--ink:#1b1f24;--dim:#5b6570;--line:#d8dde3;--paper:#fff;--soft:#f4f6f8;--good:#1a7f37;--bad:#c4232b;--open:#9a6700}
@media(prefers-color-scheme:dark){:root{--ink:#e6e9ec;--dim:#9aa4ae;--line:#333b44;--paper:#14181c;--soft:#1d2328;--good:#4ac26b;--bad:#ff7b72;--open:#d4a72c}}
body{font:15px/1.5 system-ui,sans-serif;color:var(--ink);background:var(--paper);max-width:60rem;margin:2rem auto;padding:0 1rem}
h1{font-size:1.5rem;margin:0}h2{font-size:1.1rem;margin:2rem 0 .5rem}p{margin:.3rem 0}.dim{color:var(--dim)}
table{border-collapse:collapse;width:100%}th,td{text-align:left;padding:.35rem .6rem;border-bottom:1px solid var(--line);vertical-align:top}
th{color:var(--dim);font-weight:500}details{border:1px solid var(--line);border-radius:6px;margin:.5rem 0;padding:.4rem .8rem}
summary{cursor:pointer}.pass{color:var(--good)}.fail,.error{color:var(--bad)}.cannot_tell{color:var(--open)}
.outcome{font-weight:600;white-space:nowrap}blockquote{margin:.2rem 0;padding-left:.6rem;border-left:3px solid var(--line);color:var(--dim);overflow-wrap:anywhere}
.talk{background:var(--soft);border-radius:6px;padding:.6rem .8rem;margin:.6rem 0;overflow-wrap:anywhere}.agent{font-weight:500}.line{color:var(--dim);font-size:.9em}
audio{width:100%}.fall td:last-child{width:70%}svg{display:block;width:100%;height:14px}
"""
_STAGES = ("pause", "words", "verdict", "commit", "token", "sentence", "audio", "sent", "queue", "line")
_COLOURS = (
    "#8c96a0",
    "#4c8dd6",
    "#7a6bd1",
    "#b06bc9",
    "#d6694c",
    "#d69a3c",
    "#5fa85b",
    "#3aa39a",
    "#a9765a",
    "#666f78",
)
_WORDS = {Outcome.PASS: "pass", Outcome.FAIL: "fail", Outcome.CANNOT_TELL: "cannot tell", None: "error"}


def page(result: SuiteResult) -> str:
    """The document. Whatever callers, models and tools said is shown as text, never taken for markup."""
    parts = [
        "<!DOCTYPE html>",
        '<html lang="en"><head><meta charset="utf-8">',
        '<meta name="viewport" content="width=device-width, initial-scale=1">',
        "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'; media-src data:\">",
        f"<title>{escape(result.suite)}: {_word(result.passed)}</title>",
        f"<style>{_STYLE}</style></head><body>",
        *_head(result),
        *_comparison(result),
        "<h2>Cases</h2>",
        *_table(result.cases),
        *(part for case in result.cases for part in _case(case)),
        "</body></html>",
    ]
    return legal("\n".join(parts) + "\n")


def _head(result: SuiteResult) -> list[str]:
    passed = sum(case.passed for case in result.cases)
    told = f"{passed} of {len(result.cases)} cases passed"
    hats = [
        f"pass^{k} {_percent(result.pass_hat(k))} {_range(result.interval(k))}"
        for k in sorted({1, result.repeats})
    ]
    return [
        f'<header><h1>{escape(result.suite)} <span class="outcome {_word(result.passed)}">{_word(result.passed)}</span></h1>',
        f"<p>{told}; {'; '.join(hats)}</p>",
        f'<p class="dim">Agent {escape(result.agent)}, level {escape(result.level)}, seed {result.seed}. Ranges are intervals of 95 % confidence.</p></header>',
    ]


def _comparison(result: SuiteResult) -> list[str]:
    if (found := result.comparison) is None or result.against is None:
        return []
    rows = [
        f"<tr><td>{escape(now.name)}</td><td>{_percent(then.share)}</td><td>{_percent(now.share)}</td></tr>"
        for then, now in zip(result.against.cases, result.cases, strict=True)
    ]
    return [
        f"<h2>Against {escape(result.against.agent)}</h2>",
        f"<p>Difference {found.difference:+.0%} {_range(found.interval)}; {found.gained} runs gained, {found.lost} lost; "
        f"p = {found.p_value:.3f}.</p>",
        "<table><thead><tr><th>case</th><th>there</th><th>here</th></tr></thead><tbody>",
        *rows,
        "</tbody></table>",
    ]


def _table(cases: Sequence[CaseResult]) -> list[str]:
    rows = [
        f'<tr><td>{escape(case.name)}</td><td class="outcome {_word(case.passed)}">{_word(case.passed)}</td>'
        f"<td>{sum(case.outcomes)} of {len(case.trials)}</td><td>{_range(case.interval)}</td></tr>"
        for case in cases
    ]
    head = "<tr><th>case</th><th>result</th><th>runs passed</th><th>share, 95 %</th></tr>"
    return [f"<table><thead>{head}</thead><tbody>", *rows, "</tbody></table>"]


def _case(case: CaseResult) -> list[str]:
    found = [f"<section><h2>{escape(case.name)}</h2>"]
    for trial in case.trials:
        opened = "" if trial.outcome is Outcome.PASS else " open"
        kind = trial.outcome.value if trial.outcome else "error"
        found.append(
            f'<details{opened}><summary><span class="outcome {kind}">{_WORDS[trial.outcome]}</span> '
            f'run {trial.number} <span class="dim">seed {trial.seed}</span></summary>'
        )
        found += _trial(trial)
        found.append("</details>")
    return [*found, "</section>"]


def _trial(trial: Trial) -> list[str]:
    if trial.error:
        return [f'<p class="error">{escape(trial.error)}</p>']
    found = []
    if trial.demands:
        found += [
            "<table><thead><tr><th>verdict</th><th>by</th><th>demand and evidence</th></tr></thead><tbody>"
        ]
        found += [_demand(each) for each in trial.demands]
        found.append("</tbody></table>")
    found.append('<div class="talk">')
    found += [f'<p class="{who}">{escape(line)}</p>' for who, line in lines(trial.observed.happened)]
    found.append("</div>")
    if trial.observed.wav:
        sound = base64.b64encode(trial.observed.wav).decode("ascii")
        found.append(f'<audio controls src="data:audio/wav;base64,{sound}"></audio>')
    return [*found, *_waterfall(trial.observed.ledgers)]


def _demand(demand: Demand) -> str:
    verdict = demand.verdict
    quotes = "".join(f"<blockquote>{escape(each)}</blockquote>" for each in verdict.evidence)
    reason = f'<p class="dim">{escape(verdict.reason)}</p>' if verdict.reason else ""
    return (
        f'<tr><td class="outcome {verdict.outcome.value}">{_WORDS[verdict.outcome]}</td><td>{demand.by}</td>'
        f"<td>{escape(demand.what)}{reason}{quotes}</td></tr>"
    )


def _waterfall(ledgers: Sequence[Mapping[str, Any]]) -> list[str]:
    """Where the time of each turn went, from the caller's last sound to the agent's first."""
    waits = [each for each in ledgers if each.get("heard_gap_ms")]
    if not waits:
        return []
    longest = max(each["heard_gap_ms"] for each in waits)
    rows = [
        f"<tr><td>{each['turn']}</td><td>{each['heard_gap_ms']} ms</td><td>{_bar(each['stages'], longest)}</td></tr>"
        for each in waits
    ]
    head = "<tr><th>turn</th><th>wait</th><th>where it went (hold the pointer over a part)</th></tr>"
    return [f'<table class="fall"><thead>{head}</thead><tbody>', *rows, "</tbody></table>"]


def _bar(stages: Mapping[str, int], longest: int) -> str:
    at, found = 0.0, []
    for stage, colour in zip(_STAGES, _COLOURS, strict=True):
        ms = stages.get(stage, 0)
        width = 1000 * ms / longest
        if ms:
            found.append(
                f'<rect x="{at:.1f}" y="0" width="{width:.1f}" height="14" fill="{colour}"><title>{stage} {ms} ms</title></rect>'
            )
        at += width
    return f'<svg viewBox="0 0 1000 14" preserveAspectRatio="none" role="img">{"".join(found)}</svg>'


def _word(passed: bool) -> str:
    return "pass" if passed else "fail"


def _percent(share: float) -> str:
    return f"{share:.0%}"


def _range(interval: Interval) -> str:
    return f"[{interval.low:.0%}, {interval.high:.0%}]"
