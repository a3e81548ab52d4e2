import json
from pathlib import Path

import pytest

from tests.voice.models.conftest import CONTENT, model_set
from trunkline.errors import ModelMissing
from trunkline.voice.models import store as module
from trunkline.voice.models.manifest import default_sets, manifest
from trunkline.voice.models.store import Store

SETS = {"toy": model_set()}


def _write(place: Path, content: bytes = CONTENT) -> Path:
    place.parent.mkdir(parents=True, exist_ok=True)
    place.write_bytes(content)
    return place


def test_a_file_is_found_in_its_sets_folder_and_flat_in_a_users_own(tmp_path: Path) -> None:
    flat = _write(tmp_path / "toy.bin")
    assert Store(tmp_path, SETS).path("toy", "toy.bin") == flat
    own = _write(tmp_path / "toy" / "toy.bin")
    assert Store(tmp_path, SETS).path("toy", "toy.bin") == own
    assert Store(tmp_path, SETS).set_folder("toy") == own.parent


def test_an_absent_file_says_how_to_get_it(tmp_path: Path) -> None:
    with pytest.raises(ModelMissing, match="trunkline models pull toy"):
        Store(tmp_path / "nowhere", SETS).path("toy", "toy.bin")


def test_a_wrong_file_is_refused_and_named(tmp_path: Path) -> None:
    wrong = _write(tmp_path / "toy" / "toy.bin", CONTENT[:-1] + b"x")
    with pytest.raises(ModelMissing, match=str(wrong)):
        Store(tmp_path, SETS).path("toy", "toy.bin")
    [listed] = Store(tmp_path, SETS).listing()
    assert listed.wrong == ("toy.bin",)
    assert not listed.complete


def test_an_unknown_set_names_the_known_ones(tmp_path: Path) -> None:
    with pytest.raises(ModelMissing, match="Known are: toy"):
        Store(tmp_path, SETS).missing("tiy")


def test_a_file_is_hashed_once_until_it_changes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    place = _write(tmp_path / "toy" / "toy.bin")
    hashed: list[Path] = []
    real = module.sha256_of

    def counted(path: Path) -> str:
        hashed.append(path)
        return real(path)

    monkeypatch.setattr(module, "sha256_of", counted)
    for _ in range(3):
        Store(tmp_path, SETS).path("toy", "toy.bin")
    assert hashed == [place]
    _write(place, CONTENT[:-1] + b"x")
    assert Store(tmp_path, SETS).missing("toy")
    assert hashed == [place, place]


def test_notes_that_cannot_be_read_are_done_without(tmp_path: Path) -> None:
    _write(tmp_path / "toy" / "toy.bin")
    (tmp_path / ".verified.json").write_text(json.dumps({"toy/toy.bin": "odd"}))
    assert not Store(tmp_path, SETS).missing("toy")


def test_the_manifest_names_every_file_by_hash_and_has_an_upstream_first() -> None:
    assert default_sets() == ("vad", "turn", "stt-tiny.en", "embed-minilm", "llm-1.5b")
    for each in manifest().values():
        assert each.sources, each.name
        assert all(len(file.sha256) == 64 for file in each.files)
        assert [source.type for source in each.sources] in (["https", "pypi"], ["pypi"])
