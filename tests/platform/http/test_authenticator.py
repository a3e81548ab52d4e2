"""What is remembered of a key, how long, and what makes it forgotten."""

from collections.abc import Collection
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest

from tests.platform.http.few_keys import KEY, FewKeys
from trunkline.errors import (
    TrunklineError,
)
from trunkline.platform.http.auth import Authenticator, Identity


async def test_good_keys_are_remembered_for_30_seconds(keys: FewKeys) -> None:
    now = 100.0
    authenticator = Authenticator(keys, clock=lambda: now)
    for _ in range(3):
        await authenticator.identify(KEY)
    assert keys.asked == 1
    del keys.known[KEY]
    now += 29.9
    await authenticator.identify(KEY)
    now += 0.2
    with pytest.raises(TrunklineError, match="Invalid or expired"):
        await authenticator.identify(KEY)


async def test_a_forgotten_key_is_asked_for_again(keys: FewKeys) -> None:
    authenticator = Authenticator(keys)
    identity = await authenticator.identify(KEY)
    keys.known.clear()
    authenticator.forget(identity.key_id)
    with pytest.raises(TrunklineError, match="Invalid or expired"):
        await authenticator.identify(KEY)


async def test_a_key_is_never_remembered_beyond_its_end(keys: FewKeys) -> None:
    now = 100.0
    authenticator = Authenticator(keys, clock=lambda: now)
    keys.known[KEY] = Identity("abcd2345", uuid4(), expires_at=datetime.now(UTC) + timedelta(seconds=10))
    for _ in range(2):
        await authenticator.identify(KEY)
    assert keys.asked == 1
    del keys.known[KEY]
    now += 10
    with pytest.raises(TrunklineError, match="Invalid or expired"):
        await authenticator.identify(KEY)


async def test_the_keys_of_a_changed_workspace_are_asked_for_again(keys: FewKeys) -> None:
    authenticator = Authenticator(keys)
    identity = await authenticator.identify(KEY)
    keys.known[KEY] = replace(identity, denied=frozenset({"chat"}))
    authenticator.forget_workspace(uuid4())
    assert await authenticator.identify(KEY) == identity
    authenticator.forget_workspace(identity.workspace_id)
    assert (await authenticator.identify(KEY)).denied == {"chat"}


async def test_what_was_found_before_a_change_is_not_remembered(keys: FewKeys) -> None:
    found = keys.known[KEY]

    class Late:
        """Looks up while the key is being revoked."""

        async def find(self, key: str) -> Identity | None:
            authenticator.forget(found.key_id)
            return await keys.find(key)

        async def used(self, key_ids: Collection[str]) -> None:
            raise AssertionError

    authenticator = Authenticator(Late())
    await authenticator.identify(KEY)
    del keys.known[KEY]
    with pytest.raises(TrunklineError, match="Invalid or expired"):
        await authenticator.identify(KEY)


async def test_use_is_noted_in_batches(keys: FewKeys) -> None:
    authenticator = Authenticator(keys)
    for _ in range(3):
        await authenticator.identify(KEY)
    await authenticator.flush()
    await authenticator.flush()
    assert keys.noted == [{"abcd2345"}]
