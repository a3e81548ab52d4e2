"""YAML that remembers its lines, so that whatever is wrong with a value can be told with its place.

Plainer than YAML 1.1: only `true` and `false` are booleans, and dates, times such as 10:30 and numbers with a plus (of
telephones) are text. A key may not be there twice.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml
from pydantic import ValidationError

from trunkline.errors import BadInput

Place = tuple[str | int, ...]
"""The keys and positions that lead to a value."""


class _Loader(yaml.SafeLoader):
    """SafeLoader with fewer kinds of values."""

    yaml_implicit_resolvers: dict[str, list[Any]] = {}  # noqa: RUF012 - as the library declares it


for _tag, _pattern, _first in (
    ("bool", r"true|false", "tf"),
    ("int", r"-?(?:0|[1-9][0-9]*)", "-0123456789"),
    ("float", r"-?(?:0|[1-9][0-9]*)\.[0-9]+(?:[eE][-+]?[0-9]+)?", "-0123456789"),
    ("null", r"~|null|", ["~", "n", ""]),
    ("merge", r"<<", "<"),
):
    _Loader.add_implicit_resolver(f"tag:yaml.org,2002:{_tag}", re.compile(f"^(?:{_pattern})$"), list(_first))


@dataclass(frozen=True)
class Located:
    """A document, and where its parts stand."""

    path: Path
    value: Any
    lines: dict[Place, int]

    def line(self, place: Sequence[str | int]) -> int:
        """The line of a part; of what is not written, that of what it would stand in."""
        known: Place = ()
        for step in place:
            # Steps that are no keys are names that the schema gives to its alternatives.
            if (*known, step) in self.lines:
                known = (*known, step)
        return self.lines.get(known, 1)

    def refusal(self, error: ValidationError) -> BadInput:
        """What is wrong, each on a line with file, line, place and remedy."""
        told = [
            f"{self.path}:{self.line(each['loc'])}: {'.'.join(map(str, each['loc']))}: {_remedy(each)}"
            for each in error.errors(include_url=False)
        ]
        return BadInput("\n".join(dict.fromkeys(told)))

    def wrong(self, place: Sequence[str | int], remedy: str) -> BadInput:
        """A refusal of one part."""
        return BadInput(f"{self.path}:{self.line(place)}: {'.'.join(map(str, place))}: {remedy}")


def read(path: Path) -> Located:
    """The document in a file. Raises BadInput, with the line, for what is no YAML and for a file that is not there."""
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        why = error.strerror if isinstance(error, OSError) else "it is not UTF-8"
        raise BadInput(f"{path}: cannot be read ({why}); name a YAML file") from None
    loader = _Loader(text)
    try:
        node = loader.get_single_node()
        lines: dict[Place, int] = {}
        if node is not None:
            _note(path, node, (), lines)
        value = None if node is None else loader.construct_document(node)
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        raise BadInput(f"{path}:{line}: this is no YAML: {error.problem}") from None
    except (yaml.YAMLError, ValueError) as error:
        raise BadInput(f"{path}: this is no YAML: {error}") from None
    finally:
        loader.dispose()
    return Located(path, value, lines)


def _note(path: Path, node: yaml.Node, place: Place, lines: dict[Place, int]) -> None:
    lines.setdefault(place, node.start_mark.line + 1)
    match node:
        case yaml.MappingNode():
            keys: set[str] = set()
            for key, value in node.value:
                name = str(key.value)
                if name in keys:
                    line = key.start_mark.line + 1
                    raise BadInput(f"{path}:{line}: {name} is there twice; leave one of them out")
                keys.add(name)
                lines[*place, name] = key.start_mark.line + 1
                _note(path, value, (*place, name), lines)
        case yaml.SequenceNode():
            for n, value in enumerate(node.value):
                _note(path, value, (*place, n), lines)


def _remedy(error: Any) -> str:
    match error["type"]:
        case "extra_forbidden":
            return "there is no such key; see the list in docs/simulation.md, or mend its spelling"
        case "missing":
            return "is missing; write it"
        case _:
            message = str(error["msg"]).removeprefix("Value error, ")
            return message[:1].lower() + message[1:]
