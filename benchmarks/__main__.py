"""`make bench`: every figure as a JSON line on standard output, a table for people on standard error.

python -m benchmarks [--full] [--only PART …]
"""

import argparse
import logging
from collections.abc import Callable, Iterator
from itertools import chain
from pathlib import Path

from rich.console import Console

from benchmarks import (
    barge_in,
    deliveries,
    embedded,
    knowledge,
    latency,
    lists,
    load,
    machine,
    memory,
    overload,
    redaction,
    suppression,
    text_level,
    transfers,
    turntaking,
    voice_level,
)
from benchmarks.defects import measured as defects
from benchmarks.figures import Figure, table
from trunkline.settings import Settings

Part = Callable[[Path, bool], Iterator[Figure]]

PARTS: dict[str, Part] = {
    "lists": lambda models, full: lists.measure(full),
    "deliveries": lambda models, full: deliveries.measure(),
    "redaction": lambda models, full: redaction.measure(),
    "knowledge": lambda models, full: knowledge.measure(models),
    "machine": lambda models, full: machine.measure(models),
    "embedded": lambda models, full: embedded.measure(calls=10 if full else 3),
    "turntaking": lambda models, full: turntaking.measure(models),
    "suppression": lambda models, full: suppression.measure(models),
    "defects": defects.measure,
    "simulations": lambda models, full: chain(text_level.measure(full), voice_level.measure(models, full)),
    # From its end on this process keeps to one core: those before have the whole machine.
    "transfers": lambda models, full: transfers.measure(full),
    "latency": latency.measure,
    "barge-in": lambda models, full: barge_in.measure(full),
    "load": lambda models, full: load.measure(full),
    "memory": lambda models, full: memory.measure(full),
    "overload": lambda models, full: overload.measure(),
}
"""In this order; each takes the folder of the models and whether the long ones are wanted as well."""


def _figures(only: list[str], full: bool) -> Iterator[Figure]:
    models = Settings().models_folder
    for name, part in PARTS.items():
        if not only or name in only:
            yield from part(models, full)


def main() -> int:
    """0 when every figure was measured, missed goals included: a bench reports, it does not judge."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks")
    parser.add_argument("--full", action="store_true", help="the long ones as well")
    parser.add_argument("--only", nargs="+", choices=PARTS, default=[], metavar="PART", help=" ".join(PARTS))
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
