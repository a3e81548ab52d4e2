"""Links to the recordings of simulated calls: signed, expiring, and good without a key."""

from dataclasses import dataclass
from typing import Annotated

from fastapi import Depends

from trunkline.platform.http.context import Parts
from trunkline.platform.storage.secrets import SecretBox
from trunkline.resources.calls.links import LIFETIME_SECONDS
from trunkline.resources.simulations.models import SimulationRun


@dataclass(frozen=True)
class SimulationLinks:
    """Makes links that the outside can open."""

    secrets: SecretBox
    base_url: str

    def recording(self, run: SimulationRun) -> str | None:
        """The link to a run's recording; None if there is none."""
        if run.recording_key is None:
            return None
        return self.base_url + self.secrets.sign_link(path_of(str(run.id)), LIFETIME_SECONDS)


def path_of(run_id: str) -> str:
    """Where a recording is served."""
    return f"/trunkline/v1/simulation_recordings/{run_id}"


def _links(parts: Parts) -> SimulationLinks:
    return SimulationLinks(parts.secrets, parts.base_url)


Linked = Annotated[SimulationLinks, Depends(_links)]
