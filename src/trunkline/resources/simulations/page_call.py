"""One simulated call on the page of its suite: verdicts, what was said, its sound, and where the time went."""

import base64
import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from html import escape
from typing import Any

from trunkline.resources.simulations.happenings import Called, Happenings, Said
from trunkline.resources.simulations.trials import Demand, Observed, Trial
from trunkline.resources.simulations.verdicts import Outcome

STAGES = {
    "pause": "silence until the pause was found",
    "words": "words",
    "verdict": "end of turn",
    "commit": "turn taken",
    "token": "language model",
    "sentence": "first sentence",
    "audio": "voice",
    "sent": "to the line",
    "queue": "queue",
    "line": "line",
}
"""Parts of a turn's wait, in order, as a reader knows them."""
WORDS = {Outcome.PASS: "pass", Outcome.FAIL: "fail", Outcome.CANNOT_TELL: "cannot tell", None: "error"}


def badge(outcome: Outcome | None) -> str:
    """An outcome as a coloured word."""
    kind = outcome.value if outcome else "error"
    return f'<span class="badge {kind}">{WORDS[outcome]}</span>'


def call(trial: Trial, with_sound: bool) -> list[str]:
    """All of one call. Without its sound, where that lies is told."""
    if trial.error:
        return [f'<p class="badge error">could not be made</p><p>{escape(trial.error)}</p>']
    observed = trial.observed
    return [
        *_demands(trial.demands),
        *_sound(trial, with_sound),
        "<h4>What was said</h4>",
        *talk(observed.happened, f"Transcript of {trial.case}, run {trial.number}"),
        *_waterfall(observed.ledgers),
    ]


def talk(happened: Happenings, label: str, marked: Collection[int] = ()) -> list[str]:
    """Turns and tool calls in order; those at the `marked` places stand out."""
    found = [f'<ol class="talk" aria-label="{escape(label, quote=True)}">']
    for n, each in enumerate(entries(happened)):
        kind, told = (
            (f"{each.who} apart", '<span class="skip">differs: </span>') if n in marked else (each.who, "")
        )
        found.append(f'<li class="{kind}">{told}{each.shown}</li>')
    return [*found, "</ol>"]


@dataclass(frozen=True)
class Entry:
    """One thing that happened in a talk."""

    who: str
    """`agent`, `caller` or `line`."""
    words: str
    """What tells it from another, its time apart."""
    shown: str
    """Its markup."""


def entries(happened: Happenings) -> list[Entry]:
    """Everything in order."""
    found = [_entry(each) for each in happened.in_order()]
    found += [
        Entry("line", f"to {target}", f"passed to <strong>{escape(target)}</strong>")
        for target in happened.transfers or ()
    ]
    if happened.end_reason:
        detail = f": {escape(happened.end_detail)}" if happened.end_detail else ""
        told = f"ended: {escape(happened.end_reason.replace('_', ' '))}{detail}"
        found.append(Entry("line", told, told))
    return found


def _entry(each: Said | Called) -> Entry:
    if isinstance(each, Called):
        called, gave = f"{each.name} {_json(dict(each.arguments))}", _json(each.result)
        how = "" if each.ok else " (it failed)"
        shown = f"<code>{escape(called)}</code> gave <code>{escape(gave)}</code>{how}"
        return Entry("line", f"{called} {gave}{how}", shown)
    at = "" if each.start_ms is None else f" · {each.start_ms / 1000:.1f} s"
    return Entry(
        each.who, f"{each.who} {each.text}", f'<span class="who">{each.who}{at}</span>{escape(each.text)}'
    )


def _demands(demands: Sequence[Demand]) -> list[str]:
    found = ["<h4>Verdicts</h4>", '<ul class="demands">']
    for each in demands:
        verdict = each.verdict
        reason = f'<p class="dim">{escape(verdict.reason)}</p>' if verdict.reason else ""
        quotes = "".join(f"<blockquote>{escape(quote)}</blockquote>" for quote in verdict.evidence)
        found.append(
            f"<li><div>{badge(verdict.outcome)}</div><div><p>{escape(each.what)} "
            f'<span class="dim small">by {each.by}</span></p>{reason}{quotes}</div></li>'
        )
    return [*found, "</ul>"]


def _sound(trial: Trial, with_sound: bool) -> list[str]:
    observed = trial.observed
    if not observed.wav:
        return []
    found = ["<h4>Sound</h4>", *_lanes(observed)]
    if not with_sound:
        return [
            *found,
            '<p class="dim small">Its sound is among the recordings that lie beside the report.</p>',
        ]
    sound = base64.b64encode(observed.wav).decode("ascii")
    label = escape(f"Recording of {trial.case}, run {trial.number}", quote=True)
    return [
        *found,
        f'<audio controls preload="none" aria-label="{label}" src="data:audio/wav;base64,{sound}"></audio>',
        '<p class="dim small">Left what the agent heard, right what the caller heard.</p>',
    ]


def _lanes(observed: Observed) -> list[str]:
    """Who spoke when."""
    turns = [
        each for each in observed.happened.turns if each.start_ms is not None and each.end_ms is not None
    ]
    if not turns:
        return []
    length = max(
        [each.end_ms or 0 for each in turns] + [each.at_ms or 0 for each in observed.happened.calls or ()]
    )
    found = ['<div class="lanes">']
    for who in ("caller", "agent"):
        said = [each for each in turns if each.who == who]
        parts = [
            f'<i style="left:{_share(each.start_ms or 0, length)};width:{_share((each.end_ms or 0) - (each.start_ms or 0), length)}" '
            f'title="{escape(each.text, quote=True)}"></i>'
            for each in said
        ]
        if who == "agent":
            parts += [
                f'<i class="tool" style="left:{_share(each.at_ms, length)}" title="{escape(each.name, quote=True)}"></i>'
                for each in observed.happened.calls or ()
                if each.at_ms is not None
            ]
        label = f"{who} spoke {len(said)} times in {length / 1000:.1f} seconds"
        found.append(
            f'<span>{who}</span><div class="lane {who}" role="img" aria-label="{label}">{"".join(parts)}</div>'
        )
    return [
        *found,
        f'<span></span><div class="axis"><span>0 s</span><span>{length / 1000:.1f} s</span></div></div>',
    ]


def _waterfall(ledgers: Sequence[Mapping[str, Any]]) -> list[str]:
    """Where the time of each turn went, from the caller's last sound to the agent's first."""
    waits = [each for each in ledgers if each.get("heard_gap_ms")]
    if not waits:
        return []
    longest = max(each["heard_gap_ms"] for each in waits)
    rows = [
        f'<tr><th scope="row">{each["turn"]}</th><td class="num">{each["heard_gap_ms"]} ms</td>'
        f"<td>{_bar(each['stages'], longest)}</td></tr>"
        for each in waits
    ]
    used = [stage for stage in STAGES if any(each["stages"].get(stage) for each in waits)]
    legend = "".join(f'<li><i class="s-{stage}"></i>{STAGES[stage]}</li>' for stage in used)
    return [
        "<h4>What the caller waited for</h4>",
        '<table class="fall"><thead><tr><th scope="col">turn</th><th scope="col">wait</th>'
        '<th scope="col">where it went</th></tr></thead><tbody>',
        *rows,
        f'</tbody></table><ul class="legend">{legend}</ul>',
    ]


def _bar(stages: Mapping[str, int], longest: int) -> str:
    known = {stage: stages.get(stage, 0) for stage in STAGES if stages.get(stage, 0) > 0}
    told = ", ".join(f"{STAGES[stage]} {ms} ms" for stage, ms in known.items())
    parts = "".join(
        f'<i class="s-{stage}" style="width:{_share(ms, longest)}" title="{STAGES[stage]} {ms} ms"></i>'
        for stage, ms in known.items()
    )
    return f'<div class="bar" role="img" aria-label="{told}">{parts}</div>'


def _share(part: int, whole: int) -> str:
    return f"{100 * part / max(1, whole):.2f}%"


def _json(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str)
