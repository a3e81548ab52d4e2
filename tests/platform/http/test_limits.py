"""Requests a minute."""

from uuid import uuid4

import pytest

from trunkline.platform.http.limits import WINDOW_SECONDS, OverRate, RequestLimit


class Clock:
    now = 1000.0

    def __call__(self) -> float:
        return self.now


def test_no_more_than_the_quota_in_any_minute() -> None:
    clock = Clock()
    limit, workspace = RequestLimit(10, clock), uuid4()
    let_through: list[float] = []
    for _ in range(1000):
        clock.now += 0.7
        try:
            limit.take(workspace)
        except OverRate as error:
            assert error.retry_after >= 1
        else:
            let_through.append(clock.now)
    for start in let_through:
        assert len([at for at in let_through if start <= at < start + WINDOW_SECONDS]) <= 10
    assert len(let_through) >= 10 * (700 // WINDOW_SECONDS)  # and no fewer than it may


def test_what_is_told() -> None:
    clock = Clock()
    limit, workspace = RequestLimit(2, clock), uuid4()
    first = limit.take(workspace)
    assert first is not None
    assert first.headers == {"RateLimit-Policy": '"workspace";q=2;w=60', "RateLimit": '"workspace";r=1;t=60'}
    clock.now += 20.5
    limit.take(workspace)
    with pytest.raises(OverRate, match="TRUNKLINE_RATE_LIMIT") as refused:
        limit.take(workspace)
    assert refused.value.retry_after == 40  # when the first one is a minute old
    assert refused.value.allowance.remaining == 0
    clock.now += 40
    assert limit.take(workspace) is not None


def test_each_workspace_has_its_own() -> None:
    limit, mine = RequestLimit(1, Clock()), uuid4()
    limit.take(mine)
    assert limit.take(uuid4()) is not None
    with pytest.raises(OverRate):
        limit.take(mine)


def test_no_limit() -> None:
    limit, workspace = RequestLimit(0, Clock()), uuid4()
    assert [limit.take(workspace) for _ in range(100)] == [None] * 100
