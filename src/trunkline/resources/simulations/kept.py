"""What is kept of a run beside its row: the answers of providers, for a replay, and its sound.

simulations/<workspace>/<run>/<n>.json     n: which try it was, so that one taken for dead writes over nothing
simulations/<workspace>/<run>/<n>.wav
"""

import json
from collections.abc import Iterable
from uuid import UUID

from trunkline.errors import NotFound
from trunkline.platform.storage.blobs import Blobs
from trunkline.resources.simulations.assignments import Report
from trunkline.resources.simulations.models import SimulationRun


async def store(blobs: Blobs, run: SimulationRun, report: Report) -> dict[str, str]:
    """Keep them; the columns of the run that say where. Raises Unavailable."""
    base = f"{_folder(run.workspace_id, run.id)}/{run.fence}"
    found = {"answers_key": f"{base}.json"}
    await blobs.put(found["answers_key"], json.dumps(report.answers, sort_keys=True).encode())
    if report.wav:
        found["recording_key"] = f"{base}.wav"
        await blobs.put(found["recording_key"], report.wav)
    return found


async def answers(blobs: Blobs, key: str) -> dict[str, str]:
    """The answers of a run, by the digests of the questions. Raises NotFound, Unavailable."""
    found: dict[str, str] = json.loads(await blobs.get(key))
    return found


async def delete(blobs: Blobs, workspace_id: UUID, run_id: UUID) -> None:
    """All that is kept of a run, of all tries. Raises Unavailable."""
    await drop(blobs, await blobs.list(_folder(workspace_id, run_id)))


async def drop(blobs: Blobs, keys: Iterable[str]) -> None:
    """Delete what `store` has kept; no matter if it is gone. Raises Unavailable."""
    for key in keys:
        try:
            await blobs.delete(key)
        except NotFound:
            continue


def _folder(workspace_id: UUID, run_id: UUID) -> str:
    return f"simulations/{workspace_id}/{run_id}"
