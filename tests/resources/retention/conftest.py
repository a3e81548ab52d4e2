"""The calls that are forgotten."""

from tests.resources.calls.conftest import add_host, agent, box, host, live  # noqa: F401 - fixtures
