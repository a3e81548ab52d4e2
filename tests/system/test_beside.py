"""Other commands under the home of a platform that runs."""

from benchmarks.platform import Running

from tests.system.command import refusal, run
from tests.system.talk import ON_THE_PLATFORM

pytestmark = ON_THE_PLATFORM


def test_a_second_one_under_the_same_home(up: Running) -> None:
    said = refusal(up.environment)
    assert f"process {up.supervisor.pid} already runs trunkline under {up.home}" in said
    assert "set TRUNKLINE_HOME to another folder" in said
    assert up.api.get("/readyz").is_success


def test_the_doctor_finds_nothing_wrong(up: Running) -> None:
    done = run("doctor", up.environment)
    assert done.returncode == 0, done.stdout
    found = {line.split()[1] for line in done.stdout.splitlines() if line.startswith("ok")}
    assert {"python", "home", "models", "platform", "api", "voice", "database", "llm"} <= found
