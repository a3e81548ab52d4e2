"""`make bench`: every figure as a JSON line on standard output, a table for people on standard error.

python -m benchmarks [--full] [--only talks|embedded|lists|knowledge]
"""

import argparse
import logging
from collections.abc import Iterator

from rich.console import Console

from benchmarks import embedded, knowledge, lists, machine, talks
from benchmarks.figures import Figure, table
from trunkline.settings import Settings


def _figures(only: str | None, full: bool) -> Iterator[Figure]:
    models = Settings().models_folder
    if only in (None, "lists"):
        yield from lists.measure(full)
    if only in (None, "knowledge"):
        yield from knowledge.measure(models)
    # The embedded default has the whole machine; the talks keep this process on one core from then on.
    yield from machine.measure(models)
    if only in (None, "embedded"):
        yield from embedded.measure(calls=10 if full else 3)
    if only in (None, "talks"):
        yield from talks.measure(models, full)


def main() -> int:
    """0 when every figure was measured, missed goals included: a bench reports, it does not judge."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks")
    parser.add_argument("--full", action="store_true", help="the long ones as well")
    parser.add_argument("--only", choices=("talks", "embedded", "lists", "knowledge"))
    chosen = parser.parse_args()
    # The scripted server speaks on for a moment to clients that have left; asyncio has a warning for each time.
    logging.getLogger("asyncio").setLevel(logging.ERROR)
    figures = []
    for figure in _figures(chosen.only, chosen.full):
        print(figure.line(), flush=True)
        figures.append(figure)
    table(figures, Console(stderr=True, width=200))
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
