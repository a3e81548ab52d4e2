"""Programs of ours that run beside a test: started on free ports, spoken to in JSON lines, stopped by pid."""

import json
import os
import queue
import subprocess
import sys
import threading
import time
from pathlib import Path
from types import TracebackType
from typing import Any

from benchmarks.ports import free_port, some_rtp_ports

ROOT = Path(__file__).parents[2]


class Program:
    """A Python module run as a program; its JSON lines are kept in order as they come."""

    def __init__(self, module: str, *arguments: str, **environment: str) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-m", module, *arguments],
            cwd=ROOT,
            env=os.environ | environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        self.seen: list[dict[str, Any]] = []
        self._new: queue.Queue[dict[str, Any]] = queue.Queue()
        self._reader = threading.Thread(target=self._read)
        self._reader.start()

    def _read(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            if line.startswith("{"):
                self._new.put(json.loads(line))

    def tell(self, do: str, **data: object) -> None:
        assert self.process.stdin is not None
        self.process.stdin.write(json.dumps({"do": do, **data}) + "\n")
        self.process.stdin.flush()

    def wait_for(self, event: str, seconds: float = 30.0, **like: object) -> dict[str, Any]:
        """The next event of this name (and with these values) that was not waited for yet."""
        deadline = time.monotonic() + seconds
        while True:
            for known in self.seen:
                if known["event"] == event and all(known.get(name) == value for name, value in like.items()):
                    self.seen.remove(known)
                    return known
            try:
                self.seen.append(self._new.get(timeout=max(0.01, deadline - time.monotonic())))
            except queue.Empty:
                raise AssertionError(f"no {event} {like} within {seconds} s, only {self.seen}") from None

    def drain(self) -> list[dict[str, Any]]:
        """All that came and was not waited for."""
        while not self._new.empty():
            self.seen.append(self._new.get())
        return self.seen

    def __enter__(self) -> "Program":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self.process.poll() is None:
            self.tell("stop")
            try:
                self.process.wait(10)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
        self._reader.join()
        for stream in (self.process.stdin, self.process.stdout):
            assert stream is not None
            stream.close()


class Answerer(Program):
    """`tests.interop.answerer`, ready to be called at `port`."""

    def __init__(self, mode: str = "echo", rtp_timeout: int = 30, *further: str, **environment: str) -> None:
        self.port = free_port()
        super().__init__(
            "tests.interop.answerer",
            *("--port", str(self.port), "--rtp", some_rtp_ports(), "--mode", mode),
            *("--rtp-timeout", str(rtp_timeout)),
            *further,
            **environment,
        )

    def __enter__(self) -> "Answerer":
        self.wait_for("ready", seconds=60.0)
        return self

    def hear(self, samples: int, seconds: float = 30.0) -> None:
        """Wait until so many loud samples of the only call have come."""
        deadline = time.monotonic() + seconds
        while (loud := self.loud) <= samples:
            assert time.monotonic() < deadline, f"only {loud} loud samples within {seconds} s"
            time.sleep(0.1)

    @property
    def loud(self) -> int:
        """Loud samples of the only call up to now."""
        self.tell("report")
        (talk,) = self.wait_for("report")["talks"]
        return int(talk["loud"])
