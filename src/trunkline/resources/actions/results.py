"""What an action gave, as variables: `{results.data.name}`, `{data.name}` and `{name}` fill holes from then on."""

from collections.abc import Iterator, Mapping
from typing import Any

_MOST = 500
"""Values of one result."""
_DEEPEST = 8


def variables_of(value: Any) -> dict[str, Any]:
    """The members of a result under their paths, with and without `results.` before them; whole under `results`.

    Members of arrays are counted from 0. Null is no value: its hole stays.
    """
    found: dict[str, Any] = {"results": value}
    for path, leaf in _members(value, ""):
        if len(found) >= 2 * _MOST:
            break
        found[path] = found[f"results.{path}"] = leaf
    return found


def merged(variables: Mapping[str, Any], results: Mapping[str, Any]) -> dict[str, Any]:
    """Results under the variables that a talk began with: nothing that comes back takes the name of one of these."""
    return {**results, **variables}


def _members(value: Any, path: str, depth: int = 0) -> Iterator[tuple[str, Any]]:
    if depth == _DEEPEST:
        return
    match value:
        case Mapping():
            pairs = [(str(name), member) for name, member in value.items()]
        case list():
            pairs = [(str(number), member) for number, member in enumerate(value)]
        case _:
            return
    for name, member in pairs:
        if member is not None:
            whole = f"{path}.{name}" if path else name
            yield whole, member
            yield from _members(member, whole, depth + 1)
