"""Secrets open for the place they were sealed for, keys verify, links expire, and the key must fit the rows."""

from pathlib import Path
from urllib.parse import parse_qs, urlsplit
from uuid import uuid4

import pytest

from trunkline.errors import SetupError
from trunkline.platform.storage.database import Database
from trunkline.platform.storage.secrets import SecretBox

OLD, NEW = "an old secret key", "a new secret key"


def test_opens_in_its_place_only() -> None:
    box, ours = SecretBox(OLD), uuid4()
    sealed = box.seal(ours, "trunk_password", "pässwörd")
    assert "pässwörd".encode() not in sealed
    assert box.open(ours, "trunk_password", sealed) == "pässwörd"
    with pytest.raises(SetupError, match="another place"):
        box.open(uuid4(), "trunk_password", sealed)
    with pytest.raises(SetupError, match="another place"):
        box.open(ours, "token", sealed)
    with pytest.raises(SetupError, match="not made with this secret key"):
        SecretBox(NEW).open(ours, "trunk_password", sealed)
    with pytest.raises(SetupError, match="not made with this secret key"):
        box.open(ours, "trunk_password", sealed[:-4] + b"AAAA")


def test_api_keys() -> None:
    box = SecretBox(OLD)
    hashed = box.hash_key("sk_live_abc")
    assert b"sk_live" not in hashed
    assert box.verify_key("sk_live_abc", hashed)
    assert not box.verify_key("sk_live_abd", hashed)
    assert not SecretBox(NEW).verify_key("sk_live_abc", hashed)


def test_links_expire_and_cannot_be_changed(monkeypatch: pytest.MonkeyPatch) -> None:
    now = 1_000_000.0
    monkeypatch.setattr("time.time", lambda: now)
    box = SecretBox(OLD)
    parts = urlsplit(box.sign_link("/files/calls/1/audio.wav", 60))
    query = parse_qs(parts.query)
    expires, signature = int(query["expires"][0]), query["signature"][0]
    assert box.link_is_good(parts.path, expires, signature)
    assert not box.link_is_good("/files/calls/2/audio.wav", expires, signature)
    assert not box.link_is_good(parts.path, expires + 1, signature)
    assert not box.link_is_good(parts.path, expires, "ü")
    assert not SecretBox(NEW).link_is_good(parts.path, expires, signature)
    now += 60
    assert not box.link_is_good(parts.path, expires, signature)


def test_rotation() -> None:
    before, after, ours = SecretBox(OLD), SecretBox(f"{NEW}, {OLD}"), uuid4()
    assert after.open(ours, "f", before.seal(ours, "f", "x")) == "x"
    assert after.verify_key("key", before.hash_key("key"))
    # New things are made with the new one.
    assert SecretBox(NEW).open(ours, "f", after.seal(ours, "f", "x")) == "x"


def test_the_key_is_made_once_and_kept_private(tmp_path: Path) -> None:
    made = SecretBox.load(tmp_path / "home", None)
    again = SecretBox.load(tmp_path / "home", None)
    assert again.verify_key("key", made.hash_key("key"))
    path = tmp_path / "home" / "keys" / "secret.key"
    assert path.stat().st_mode & 0o777 == 0o600
    assert path.parent.stat().st_mode & 0o777 == 0o700
    assert not SecretBox.load(tmp_path / "home", NEW).verify_key("key", made.hash_key("key"))


@pytest.mark.parametrize("text", ["", "short", f"{NEW},short", ",,"])
def test_a_key_that_is_too_short(text: str) -> None:
    with pytest.raises(SetupError, match="at least 16"):
        SecretBox(text)


async def test_a_key_that_does_not_fit_the_rows(database: Database) -> None:
    await SecretBox(OLD).check(database)
    await SecretBox(OLD).check(database)
    with pytest.raises(SetupError, match="not the one"):
        await SecretBox(NEW).check(database)
    await SecretBox(f"{NEW},{OLD}").check(database)
    await SecretBox(NEW).check(database)
    with pytest.raises(SetupError, match="not the one"):
        await SecretBox(OLD).check(database)
