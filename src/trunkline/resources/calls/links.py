"""Links to recordings: signed, expiring, and good without a key."""

from dataclasses import dataclass

from trunkline.platform.storage.secrets import SecretBox
from trunkline.resources.calls.models import Call

LIFETIME_SECONDS = 24 * 3600


@dataclass(frozen=True)
class Links:
    """Makes links that the outside can open."""

    secrets: SecretBox
    base_url: str

    def recording(self, call: Call) -> str | None:
        """The link to a call's recording; None if there is none."""
        if call.recording_key is None:
            return None
        return self.base_url + self.secrets.sign_link(path_of(str(call.id)), LIFETIME_SECONDS)


def path_of(call_id: str) -> str:
    """Where a recording is served."""
    return f"/trunkline/v1/recordings/{call_id}"
