"""What `/metrics` says."""

from trunkline.platform.telemetry import metrics


def test_everything_has_a_name_of_ours_and_a_text() -> None:
    metrics.calls_active.set(3)
    metrics.turn_latency.labels("heard").observe(0.4)
    page = metrics.render().decode()
    # Other tests of this process may have counted turns of their own.
    assert "trunkline_calls_active 3.0" in page
    assert 'trunkline_turn_latency_seconds_bucket{le="0.5",stage="heard"}' in page
    names = [line.split()[2] for line in page.splitlines() if line.startswith("# HELP")]
    assert names
    assert all(name.startswith("trunkline_") for name in names)
