"""A figure and how it is printed: one JSON line each, and a table at the end."""

import json
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass

from rich.console import Console
from rich.table import Table


@dataclass(frozen=True)
class Figure:
    """One measured value. `goal` is a bound as written ("<= 60"); None: reported only."""

    metric: str
    value: float
    unit: str
    goal: str | None
    how: str

    @property
    def ok(self) -> bool:
        """Does the value keep the bound?"""
        if self.goal is None:
            return True
        sign, bound = self.goal.split()
        return self.value <= float(bound) if sign == "<=" else self.value >= float(bound)

    def line(self) -> str:
        """`{"metric", "value", "unit", "goal", "ok", "how"}`."""
        return json.dumps(asdict(self) | {"value": round(self.value, 2), "ok": self.ok}, sort_keys=True)


def percentile(values: Iterable[float], share: float) -> float:
    """Nearest rank; NaN of nothing."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))] if ordered else float("nan")


def table(figures: Sequence[Figure], console: Console) -> None:
    """All figures, for people."""
    sheet = Table(title="benchmarks", title_justify="left")
    for column in ("metric", "value", "unit", "goal", "", "how"):
        sheet.add_column(column, justify="right" if column == "value" else "left")
    for figure in figures:
        mark = "" if figure.goal is None else "[green]kept[/]" if figure.ok else "[red]missed[/]"
        value = f"{figure.value:.1f}"
        sheet.add_row(figure.metric, value, figure.unit, figure.goal or "", mark, figure.how)
    console.print(sheet)
