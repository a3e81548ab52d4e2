"""`trunkline` run as a command, in an environment of its own."""

import os
import subprocess
import sys
from collections.abc import Mapping

_OURS = ("TRUNKLINE_", "DATABASE_URL", "OMP_")


def run(command: str, environment: Mapping[str, str]) -> subprocess.CompletedProcess[str]:
    plain = {name: value for name, value in os.environ.items() if not name.startswith(_OURS)}
    return subprocess.run(
        [sys.executable, "-m", "trunkline", command],
        env={**plain, **environment},
        capture_output=True,
        text=True,
        check=False,
        timeout=100,
    )


def refusal(environment: Mapping[str, str]) -> str:
    """What `serve` says before it leaves; nothing of it is running then."""
    done = run("serve", environment)
    assert done.returncode == 1, done.stdout + done.stderr
    assert "Traceback" not in done.stdout + done.stderr
    said = done.stderr.strip()
    assert said.startswith("trunkline: ")
    assert "\n" not in said
    return said
