"""A whole platform for a bench or a test: `trunkline serve` in a home of its own, on free ports, pinned to a core where
asked."""

import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx2

from benchmarks.ports import free_port
from trunkline.settings import Settings

_KEY = "bench-key-of-no-importance"
_READY_WITHIN = 240.0
_STOPPED_WITHIN = 90.0


@dataclass(frozen=True)
class Running:
    """A platform that is ready."""

    api: httpx2.Client
    sip_port: int
    home: Path
    supervisor: "subprocess.Popen[bytes]"
    environment: Mapping[str, str]
    """For other commands on this home."""

    def dial(self, number: str) -> str:
        """The SIP address of a number."""
        return f"sip:{number.removeprefix('+')}@127.0.0.1:{self.sip_port}"

    def agent(
        self,
        number: str,
        kind: str = "inbound",
        trunk: str = "127.0.0.1",
        recording: bool = True,
        **settings: Any,
    ) -> str:
        """An agent that answers at a number, or (`outbound`) calls from it through a trunk; its id."""
        body = {
            "type": kind,
            "name": f"bench {number}",
            "is_recording": recording,
            "agent": {"prompt": "You are a receptionist.", "greeting_message": "Hello there.", **settings},
        }
        made = self._post("/v2/assistants", body)
        model_id = str(made["response"]["model_id"])
        workspace = self.api.get("/trunkline/v1/workspace").json()["id"]
        way_out = {"workspace_id": workspace, "phone_number": number, "termination_uri": trunk}
        self._post("/v2/custom-numbers", way_out)
        answer = self.api.patch(f"/v2/numbers/{number.removeprefix('+')}", json={"agent_id": model_id})
        answer.raise_for_status()
        return model_id

    def calls(self, model_id: str, limit: int = 100) -> list[dict[str, Any]]:
        """The calls of an agent, newest first."""
        answer = self.api.get("/v2/calls", params={"model_id": model_id, "limit": limit})
        answer.raise_for_status()
        return list(answer.json()["response"]["calls"])

    def settled(self, model_id: str, count: int, within: float = 60.0) -> list[dict[str, Any]]:
        """The agent's calls once `count` of them are completed."""
        until = time.monotonic() + within
        while True:
            calls = self.calls(model_id)
            if sum(call["call_status"] == "completed" for call in calls) >= count:
                return calls
            if time.monotonic() > until:
                states = [call["call_status"] for call in calls]
                raise RuntimeError(f"{count} calls were to be completed, they are {states}")
            time.sleep(0.3)

    def ledger(self, call_id: str) -> list[dict[str, Any]]:
        """The turns' ledgers of a call."""
        answer = self.api.get(f"/trunkline/v1/calls/{call_id}/ledger")
        answer.raise_for_status()
        return list(answer.json()["response"]["turns"])

    def log(self, name: str) -> list[dict[str, Any]]:
        """The lines of a process's log: `serve`, or a role."""
        path = self.home / "logs" / f"{name}.log"
        lines = path.read_text(errors="replace").splitlines() if path.exists() else []
        return [json.loads(line) for line in lines if line.startswith("{")]

    def stop(self) -> int:
        """Have it end in order, as an operator would; its exit status. Kills what does not end. Safe to repeat."""
        if self.supervisor.poll() is None:
            self.supervisor.send_signal(signal.SIGTERM)
        try:
            return self.supervisor.wait(_STOPPED_WITHIN)
        except subprocess.TimeoutExpired:
            os.killpg(self.supervisor.pid, signal.SIGKILL)
            return self.supervisor.wait()

    def processes(self) -> dict[str, int]:
        """Role → pid of the supervisor's children."""
        found: dict[str, int] = {}
        for task in Path(f"/proc/{self.supervisor.pid}/task").iterdir():
            for pid in (task / "children").read_text().split():
                words = Path(f"/proc/{pid}/cmdline").read_text().split("\0")
                for role in ("api", "worker", "voice"):
                    if role in words:
                        found[role] = int(pid)
        return found

    def pin(self, pid: int, core: int) -> None:
        """Keep a process and all its threads on one core."""
        for thread in Path(f"/proc/{pid}/task").iterdir():
            os.sched_setaffinity(int(thread.name), {core})

    def _post(self, path: str, body: Mapping[str, Any]) -> dict[str, Any]:
        answer = self.api.post(path, json=body)
        if answer.is_error:
            raise RuntimeError(f"POST {path}: {answer.status_code} {answer.text}")
        return dict(answer.json())


def cpu_seconds(pid: int) -> float:
    """User and system time of a process so far."""
    fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


@contextmanager
def platform(environment: Mapping[str, str]) -> Iterator[Running]:
    """Start one, wait until it is ready, stop it afterwards."""
    with tempfile.TemporaryDirectory(prefix="tl-bench-") as folder:
        home = Path(folder)
        http, sip, voice = free_port(), free_port(), free_port()
        env = os.environ | {
            "TRUNKLINE_HOME": str(home),
            "TRUNKLINE_MODELS": str(Settings().models_folder),
            "TRUNKLINE_HTTP_PORT": str(http),
            "TRUNKLINE_SIP_PORT": str(sip),
            "TRUNKLINE_VOICE_PORT": str(voice),
            "TRUNKLINE_API_KEY": _KEY,
            **environment,
        }
        env.pop("DATABASE_URL", None)
        base, headers = f"http://127.0.0.1:{http}", {"Authorization": f"Bearer {_KEY}"}
        command = [sys.executable, "-m", "trunkline", "serve"]
        with (
            (home / "serve.out").open("w") as out,
            httpx2.Client(base_url=base, headers=headers, timeout=30.0, trust_env=False) as api,
        ):
            process = subprocess.Popen(command, env=env, stdout=out, stderr=out, start_new_session=True)
            running = Running(api, sip, home, process, env)
            try:
                _await_ready(process, home, out.name)
                yield running
            finally:
                running.stop()


def _await_ready(process: "subprocess.Popen[bytes]", home: Path, log: str) -> None:
    until = time.monotonic() + _READY_WITHIN
    state = home / "run" / "trunkline.json"
    while time.monotonic() < until:
        if process.poll() is not None:
            raise RuntimeError(f"trunkline serve ended: {Path(log).read_text()}")
        if state.exists() and json.loads(state.read_text()):
            return
        time.sleep(0.2)
    raise RuntimeError(f"trunkline serve was not ready: {Path(log).read_text()}")
