"""Whether a value is the wanted one, where it stands in a JSON document, and how what happened is quoted."""

import json
import re
from dataclasses import dataclass
from typing import Annotated, Any

from pydantic import AfterValidator

from trunkline.platform.http.wire import Json
from trunkline.resources.simulations.happenings import Called, Said

_PATTERN = "pattern"
_STEP = re.compile(r"\.([^.\[\]]+)|\[(-?\d+)\]")


def _wanted(value: Any) -> Any:
    """A mapping with `pattern` alone is a regular expression; everything else stands for itself."""
    if _is_pattern(value):
        try:
            re.compile(value[_PATTERN])
        except re.error as error:
            raise ValueError(f"{value[_PATTERN]!r} is no regular expression: {error}") from error
    elif isinstance(value, dict):
        for each in value.values():
            _wanted(each)
    elif isinstance(value, list):
        for each in value:
            _wanted(each)
    return value


Want = Annotated[Json, AfterValidator(_wanted)]
"""A JSON value, with `{pattern: …}` anywhere in it for text that fits a regular expression as a whole."""


@dataclass(frozen=True)
class Found:
    """There is a value, be it null."""

    value: Any


def matches(want: Any, has: Any) -> bool:
    """Equal as JSON is: 1 and 1.0 are, 1 and true are not, 4 and "4" are not; patterns fit text and numbers."""
    if _is_pattern(want):
        if isinstance(has, bool) or not isinstance(has, str | int | float):
            return False
        return re.fullmatch(want[_PATTERN], str(has), re.IGNORECASE) is not None
    if isinstance(want, dict):
        return (
            isinstance(has, dict)
            and want.keys() == has.keys()
            and all(matches(each, has[name]) for name, each in want.items())
        )
    if isinstance(want, list):
        return (
            isinstance(has, list)
            and len(want) == len(has)
            and all(matches(one, other) for one, other in zip(want, has, strict=True))
        )
    if isinstance(want, bool) or isinstance(has, bool):
        return want is has
    return bool(want == has)


def parsed_path(path: str) -> list[str | int]:
    """The steps of a path such as `$.visits[0].day`. Raises ValueError for anything else."""
    steps: list[str | int] = []
    at = 1
    while at < len(path):
        found = _STEP.match(path, at)
        if found is None:
            break
        steps.append(found[1] if found[1] is not None else int(found[2]))
        at = found.end()
    if not path.startswith("$") or at != len(path):
        raise ValueError(f"{path!r} is no path; write $, then .name or [position], such as $.visits[0].day")
    return steps


def at_path(document: Any, path: str) -> Found | None:
    """What stands there; None for nothing."""
    for step in parsed_path(path):
        match document, step:
            case dict(), str() if step in document:
                document = document[step]
            case list(), int() if -len(document) <= step < len(document):
                document = document[step]
            case _:
                return None
    return Found(document)


def described(event: Said | Called) -> str:
    """A turn or a call, as evidence."""
    if isinstance(event, Said):
        return f"{event.who}: {event.text}"
    arguments = json.dumps(dict(event.arguments), ensure_ascii=False, sort_keys=True, default=str)
    return f"{event.name} {arguments}"


def _is_pattern(value: Any) -> bool:
    return isinstance(value, dict) and value.keys() == {_PATTERN} and isinstance(value[_PATTERN], str)
