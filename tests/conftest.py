"""What every test may use; each plugin is one file."""

pytest_plugins = ["tests.fixtures.database", "tests.fixtures.peers", "tests.fixtures.models"]
