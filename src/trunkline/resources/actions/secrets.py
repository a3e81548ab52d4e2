"""Secrets in the settings of a custom action: kept apart and sealed, shown as `MASK`."""

import json
from collections.abc import Iterator, Mapping
from copy import deepcopy
from typing import Any
from uuid import UUID

from trunkline.errors import BadInput
from trunkline.platform.outbound.masking import MASK, is_secret
from trunkline.platform.storage.secrets import SecretBox
from trunkline.resources.workspaces.secrets import Opener

_LISTS = ("headers", "query_parameters")


class ActionSecrets:
    """Seals and opens the secrets of one workspace's actions."""

    def __init__(self, box: SecretBox, workspace_id: UUID) -> None:
        self._box = box
        self._workspace = workspace_id

    def hide(self, action_id: UUID, settings: dict[str, Any]) -> tuple[dict[str, Any], bytes | None]:
        """Settings without their secrets, and the secrets, sealed; None where there are none."""
        shown = deepcopy(settings)
        found: dict[str, str] = {}
        for place, holder in _places(shown):
            found[place] = holder["value"]
            holder["value"] = MASK
        if not found:
            return shown, None
        return shown, self._box.seal(self._workspace, _field(action_id), json.dumps(found))

    def reveal(self, action_id: UUID, settings: Mapping[str, Any], sealed: bytes | None) -> dict[str, Any]:
        """Settings with their secrets. Raises SetupError when they were sealed with another key."""
        return reveal(self._box, self._workspace, action_id, settings, sealed)


def reveal(
    box: Opener, workspace_id: UUID, action_id: UUID, settings: Mapping[str, Any], sealed: bytes | None
) -> dict[str, Any]:
    """Settings with their secrets. Raises SetupError when they were sealed with another key."""
    whole = deepcopy(dict(settings))
    if sealed is not None:
        found = json.loads(box.open(workspace_id, _field(action_id), sealed))
        for place, holder in _places(whole):
            holder["value"] = found.get(place, holder["value"])
    return whole


def keep_masked(sent: dict[str, Any], former: Mapping[str, Any]) -> dict[str, Any]:
    """What was sent, where a mask that a read had shown stands for the former value.

    Raises:
        BadInput: there is no former value.
    """
    kept = deepcopy(sent)
    known = {_name(place, holder): holder["value"] for place, holder in _places(dict(former))}
    for place, holder in _places(kept):
        if holder["value"] == MASK:
            name = _name(place, holder)
            if name not in known:
                raise BadInput(f"{place}: the value of {holder['key']} is masked; send the value itself.")
            holder["value"] = known[name]
    return kept


def _places(settings: Mapping[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    """Where secrets are: the place, and the object whose `value` is one."""
    auth = settings.get("custom_auth")
    if auth and auth.get("value"):
        yield "custom_auth", auth
    for part in _LISTS:
        for number, pair in enumerate(settings.get(part) or []):
            if pair["value"] and is_secret(pair["key"]):
                yield f"{part}.{number}", pair


def _name(place: str, holder: Mapping[str, Any]) -> tuple[str, str]:
    part = place.partition(".")[0]
    return part, "" if part == "custom_auth" else str(holder["key"]).lower()


def _field(action_id: UUID) -> str:
    return f"secrets of action {action_id}"
