"""One suite for every store."""

import asyncio
from pathlib import Path

import pytest

from trunkline.errors import BadInput, NotFound, SetupError, Unavailable
from trunkline.platform.storage.blobs import Blobs, memory_blobs, open_blobs


@pytest.fixture(params=["folder", "memory"])
def blobs(request: pytest.FixtureRequest, tmp_path: Path) -> Blobs:
    return open_blobs(tmp_path / "a" / "blobs") if request.param == "folder" else memory_blobs()


async def test_what_was_put_is_got(blobs: Blobs) -> None:
    await blobs.put("calls/1/audio.wav", b"first")
    await blobs.put("calls/1/audio.wav", b"second, longer")
    assert await blobs.get("calls/1/audio.wav") == b"second, longer"
    assert await blobs.size("calls/1/audio.wav") == 14
    assert await blobs.exists("calls/1/audio.wav")


async def test_parts(blobs: Blobs) -> None:
    await blobs.put("a", b"0123456789")
    assert await blobs.get("a", 2, 3) == b"234"
    assert await blobs.get("a", 7) == b"789"
    assert await blobs.get("a", 8, 100) == b"89"
    assert await blobs.get("a", 10, 1) == b""
    await blobs.put("empty", b"")
    assert await blobs.get("empty") == b""


async def test_a_file_as_source(blobs: Blobs, tmp_path: Path) -> None:
    source = tmp_path / "source"
    source.write_bytes(b"x" * 20_000_000)
    await blobs.put("calls/2/audio.wav", source)
    assert await blobs.size("calls/2/audio.wav") == 20_000_000
    assert await blobs.get("calls/2/audio.wav", 19_999_998) == b"xx"


async def test_lists_a_folder_not_a_prefix(blobs: Blobs) -> None:
    for key in ("calls/1/b", "calls/1/a/c", "calls/12/a", "other"):
        await blobs.put(key, b"x")
    assert await blobs.list("calls/1") == ["calls/1/a/c", "calls/1/b"]
    assert await blobs.list("calls/1/") == ["calls/1/a/c", "calls/1/b"]
    assert await blobs.list("nothing") == []


async def test_what_is_not_there(blobs: Blobs) -> None:
    for ask in (blobs.get, blobs.size):
        with pytest.raises(NotFound, match="calls/9"):
            await ask("calls/9")
    assert not await blobs.exists("calls/9")
    await blobs.delete("calls/9")


async def test_deleted(blobs: Blobs) -> None:
    await blobs.put("calls/1/a", b"x")
    await blobs.delete("calls/1/a")
    assert not await blobs.exists("calls/1/a")
    assert await blobs.list("calls") == []


@pytest.mark.parametrize(
    "key", ["", "/etc/passwd", "../x", "a/../b", "a//b", "a/", ".", "a b", "ä", "a\n", "a/.hidden"]
)
async def test_keys_that_are_none(blobs: Blobs, key: str) -> None:
    with pytest.raises(BadInput, match="is no key"):
        await blobs.put(key, b"x")
    with pytest.raises(BadInput, match="is no key"):
        await blobs.get(key)


async def test_many_at_once(blobs: Blobs) -> None:
    await asyncio.gather(*(blobs.put(f"calls/{n}/a", str(n).encode()) for n in range(100)))
    assert len(await blobs.list("calls")) == 100


async def test_only_folders_have_local_paths(tmp_path: Path) -> None:
    folder = open_blobs(tmp_path / "blobs")
    await folder.put("calls/1/a", b"x")
    path = folder.local_path("calls/1/a")
    assert path is not None
    assert path.read_bytes() == b"x"
    assert (tmp_path / "blobs").stat().st_mode & 0o777 == 0o700
    assert memory_blobs().local_path("calls/1/a") is None


def test_a_folder_that_cannot_be_made(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(SetupError, match="TRUNKLINE_BLOBS"):
        open_blobs(tmp_path / "file" / "blobs")


def test_a_store_that_is_not_supported_yet() -> None:
    with pytest.raises(SetupError, match="not supported"):
        open_blobs("s3://bucket")


async def test_a_disk_that_fails(tmp_path: Path) -> None:
    blobs = open_blobs(tmp_path / "blobs")
    (tmp_path / "blobs" / "calls").write_text("a file where a folder must be")
    with pytest.raises(Unavailable, match="TRUNKLINE_BLOBS"):
        await blobs.put("calls/1/a", b"x")
