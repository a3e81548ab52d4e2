"""Where the model files lie, and whether they are what they should be.

A file lies in `<folder>/<set>/<file>`; in a folder of the user's own it may also lie flat (`<folder>/<file>`).
Either way only its sha256 decides. A gigabyte takes about a second to hash, so a file found right is noted in
`<folder>/.verified.json` with its size, times and inode, and hashed again only when one of them changes.
"""

import hashlib
import json
import os
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from threading import Lock

from trunkline.errors import ModelMissing
from trunkline.voice.models.manifest import ModelFile, ModelSet, manifest

_NOTES = ".verified.json"
_BLOCK = 1 << 20

Fingerprint = tuple[int, int, int, int]


@dataclass(frozen=True)
class Listed:
    """A set and which of its files are here."""

    set: ModelSet
    present: tuple[str, ...]
    absent: tuple[str, ...]
    wrong: tuple[str, ...]
    """Files that lie there with another hash."""

    @property
    def complete(self) -> bool:
        return not self.absent and not self.wrong


class Store:
    """The model files of one folder. Thread-safe."""

    def __init__(self, folder: Path, sets: Mapping[str, ModelSet] | None = None) -> None:
        self.folder = folder
        self.sets = manifest() if sets is None else sets
        self._lock = Lock()
        self._notes = self._read_notes()

    def path(self, set_name: str, file_name: str) -> Path:
        """The verified file. Raises ModelMissing, which says what to do."""
        model, file = self._known(set_name, file_name)
        found = [place for place in self._places(model, file) if place.is_file()]
        for place in found:
            if self.verified(place, file):
                return place
        if found:
            raise ModelMissing(
                f"{found[0]} is not the model file it should be (its sha256 differs from {file.sha256[:12]}…). "
                f"Run `trunkline models pull {set_name}` to fetch it anew."
            )
        raise ModelMissing(
            f"The model file {set_name}/{file_name} is not in {self.folder}. Run `trunkline models pull {set_name}`, "
            "or set TRUNKLINE_MODELS to a folder that holds it."
        )

    def set_folder(self, set_name: str) -> Path:
        """The folder that holds all files of a set, each verified. Raises ModelMissing."""
        model = self._set(set_name)
        folders = {self.path(set_name, file.name).parent for file in model.files}
        if len(folders) > 1:
            raise ModelMissing(
                f"The files of {set_name} lie in several folders ({', '.join(sorted(map(str, folders)))}). "
                f"Put all of them into {self.folder / set_name}."
            )
        return folders.pop()

    def missing(self, set_name: str) -> tuple[ModelFile, ...]:
        """The files of a set that are absent or wrong."""
        model = self._set(set_name)
        return tuple(
            file
            for file in model.files
            if not any(place.is_file() and self.verified(place, file) for place in self._places(model, file))
        )

    def listing(self) -> list[Listed]:
        """Every set with the state of its files."""
        return [self._listed(model) for model in self.sets.values()]

    def verified(self, place: Path, file: ModelFile) -> bool:
        """Whether the file at `place` has the hash of `file`; False where it cannot be read."""
        try:
            status = place.stat()
            if status.st_size != file.bytes:
                return False
            fingerprint: Fingerprint = (status.st_size, status.st_mtime_ns, status.st_ctime_ns, status.st_ino)
            key = os.path.relpath(place, self.folder)
            with self._lock:
                noted = self._notes.get(key)
            if noted == (*fingerprint, file.sha256):
                return True
            if sha256_of(place) != file.sha256:
                return False
        except OSError:
            return False
        self._note(key, (*fingerprint, file.sha256))
        return True

    def _listed(self, model: ModelSet) -> Listed:
        lacking = {file.name for file in self.missing(model.name)}
        there = {file.name for file in model.files if any(p.is_file() for p in self._places(model, file))}
        names = [file.name for file in model.files]
        return Listed(
            set=model,
            present=tuple(name for name in names if name not in lacking),
            absent=tuple(name for name in names if name in lacking and name not in there),
            wrong=tuple(name for name in names if name in lacking and name in there),
        )

    def _places(self, model: ModelSet, file: ModelFile) -> tuple[Path, Path]:
        return self.folder / model.name / file.name, self.folder / file.name

    def _set(self, name: str) -> ModelSet:
        try:
            return self.sets[name]
        except KeyError:
            known = ", ".join(self.sets)
            raise ModelMissing(
                f"There is no set of model files named {name!r}. Known are: {known}."
            ) from None

    def _known(self, set_name: str, file_name: str) -> tuple[ModelSet, ModelFile]:
        model = self._set(set_name)
        return model, model.file(file_name)

    def _read_notes(self) -> dict[str, tuple[int, int, int, int, str]]:
        with suppress(OSError, ValueError, TypeError):
            notes = json.loads((self.folder / _NOTES).read_text())
            return {
                str(key): (int(a), int(b), int(c), int(d), str(e)) for key, (a, b, c, d, e) in notes.items()
            }
        return {}

    def _note(self, key: str, value: tuple[int, int, int, int, str]) -> None:
        with self._lock:
            self._notes[key] = value
            # A folder we may not write to is only hashed at every start.
            with suppress(OSError):
                draft = self.folder / f"{_NOTES}.{os.getpid()}"
                draft.write_text(json.dumps(self._notes, indent=1))
                draft.replace(self.folder / _NOTES)


def sha256_of(place: Path) -> str:
    """Hex digest of a file's content."""
    digest = hashlib.sha256()
    with place.open("rb") as source:
        while block := source.read(_BLOCK):
            digest.update(block)
    return digest.hexdigest()
