"""Recordings and other large objects, by key: in a folder, in memory, later in any S3-compatible store.

A key is a path of plain segments, `calls/<id>/audio.wav`: letters, digits, `.`, `_`, `-`, with `/` between.
"""

import re
from pathlib import Path
from typing import Protocol

import obstore
from obstore.exceptions import BaseError
from obstore.store import LocalStore, MemoryStore, ObjectStore

from trunkline.errors import BadInput, NotFound, SetupError, Unavailable

_KEY = re.compile(r"(?!\.)[\w.-]+(/(?!\.)[\w.-]+)*", re.ASCII)


class Blobs(Protocol):
    """Objects are written whole and seen whole, or not at all.

    Every method raises BadInput for a key that is none, and Unavailable when the store cannot be reached.
    """

    async def put(self, key: str, data: bytes | Path) -> None:
        """Stores the bytes, or the content of the file, under `key`; replaces what was there."""
        ...

    async def get(self, key: str, start: int = 0, length: int | None = None) -> bytes:
        """The object, or `length` bytes of it from `start`; less where it ends. Raises NotFound."""
        ...

    async def list(self, folder: str) -> list[str]:
        """Keys below `folder`, at any depth, sorted."""
        ...

    async def delete(self, key: str) -> None:
        """Removes the object; no matter if there is none."""
        ...

    async def exists(self, key: str) -> bool: ...

    async def size(self, key: str) -> int:
        """In bytes. Raises NotFound."""
        ...

    def local_path(self, key: str) -> Path | None:
        """The file that holds `key`, where objects are files; it need not exist."""
        ...


def open_blobs(location: str | Path) -> Blobs:
    """The store at `location`, a folder; made with mode 0700 when absent.

    Raises:
        SetupError: the folder cannot be made, or `location` is of a kind not supported.
    """
    if "://" in str(location):
        raise SetupError(
            f"TRUNKLINE_BLOBS={location} is not supported by this version; give the path of a folder."
        )
    folder = Path(location).expanduser().absolute()
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        return _Store(LocalStore(folder, automatic_cleanup=True), folder)
    except (OSError, BaseError) as error:
        raise SetupError(
            f"The folder for recordings, {folder}, cannot be made ({error}). Set TRUNKLINE_BLOBS to one that you "
            "may write."
        ) from error


def memory_blobs() -> Blobs:
    """A store that forgets everything with the process: for tests and simulations."""
    return _Store(MemoryStore(), None)


class _Store:
    def __init__(self, store: ObjectStore, folder: Path | None) -> None:
        self._store = store
        self._folder = folder

    async def put(self, key: str, data: bytes | Path) -> None:
        try:
            await obstore.put_async(self._store, _checked(key), data)
        except (BaseError, OSError) as error:
            raise _away(error) from error

    async def get(self, key: str, start: int = 0, length: int | None = None) -> bytes:
        size = await self.size(key)
        end = size if length is None else min(size, start + length)
        if start >= end:
            return b""
        try:
            return bytes(await obstore.get_range_async(self._store, key, start=start, end=end))
        except FileNotFoundError as error:
            raise _unknown(key) from error
        except (BaseError, OSError) as error:
            raise _away(error) from error

    async def list(self, folder: str) -> list[str]:
        try:
            return sorted(
                [
                    entry["path"]
                    async for chunk in obstore.list(self._store, _checked(folder.rstrip("/")))
                    for entry in chunk
                ]
            )
        except (BaseError, OSError) as error:
            raise _away(error) from error

    async def delete(self, key: str) -> None:
        try:
            await obstore.delete_async(self._store, _checked(key))
        except FileNotFoundError:
            return
        except (BaseError, OSError) as error:
            raise _away(error) from error

    async def exists(self, key: str) -> bool:
        try:
            await self.size(key)
        except NotFound:
            return False
        return True

    async def size(self, key: str) -> int:
        try:
            return int((await obstore.head_async(self._store, _checked(key)))["size"])
        except FileNotFoundError as error:
            raise _unknown(key) from error
        except (BaseError, OSError) as error:
            raise _away(error) from error

    def local_path(self, key: str) -> Path | None:
        return None if self._folder is None else self._folder / _checked(key)


def _checked(key: str) -> str:
    if not _KEY.fullmatch(key):
        raise BadInput(f"{key!r} is no key: use letters, digits, '.', '_' and '-', with '/' between.")
    return key


def _unknown(key: str) -> NotFound:
    return NotFound(f"There is nothing under {key}.")


def _away(error: Exception) -> Unavailable:
    return Unavailable(
        f"Recordings cannot be stored or read now: {error}. Check the disk and TRUNKLINE_BLOBS."
    )
