"""Programs of ours that run beside a test: started on free ports, spoken to in JSON lines, stopped by pid."""

import json
import os
import queue
import random
import socket
import subprocess
import sys
import threading
import time
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import Any

ROOT = Path(__file__).parents[2]


def free_sip_port() -> int:
    """A port free for UDP and TCP just now."""
    while True:
        port = random.randrange(10000, 18000)
        try:
            with (
                socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as udp,
                socket.socket(socket.AF_INET, socket.SOCK_STREAM) as tcp,
            ):
                udp.bind(("127.0.0.1", port))
                tcp.bind(("127.0.0.1", port))
        except OSError:
            continue
        return port


def free_media_port() -> int:
    """The first of four UDP ports that are free just now, apart from those that stacks under test choose from."""
    while True:
        port = random.randrange(61000, 65000, 4)
        with ExitStack() as held:
            try:
                for each in range(port, port + 4):
                    udp = held.enter_context(socket.socket(socket.AF_INET, socket.SOCK_DGRAM))
                    udp.bind(("127.0.0.1", each))
            except OSError:
                continue
        return port


def some_rtp_ports(pairs: int = 200) -> str:
    """A range of RTP ports, even to odd; those in it that are taken are passed over by the stack."""
    first = random.randrange(20000, 60000, 2)
    return f"{first}-{first + 2 * pairs - 1}"


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

    def wait_for(self, event: str, seconds: float = 10.0, **like: object) -> dict[str, Any]:
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
        self.port = free_sip_port()
        super().__init__(
            "tests.interop.answerer",
            *("--port", str(self.port), "--rtp", some_rtp_ports(), "--mode", mode),
            *("--rtp-timeout", str(rtp_timeout)),
            *further,
            **environment,
        )

    def __enter__(self) -> "Answerer":
        self.wait_for("ready")
        return self
