"""Fixtures of the API's tests."""

import pytest

from tests.platform.http.few_keys import FewKeys


@pytest.fixture
def keys() -> FewKeys:
    return FewKeys()
