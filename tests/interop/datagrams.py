"""A UDP socket of a test's own that something is done with beside the test."""

import socket
import threading
from abc import ABC, abstractmethod
from types import TracebackType
from typing import Self


class Datagrams(ABC):
    """A socket on a port of its own, in a thread of its own for as long as the block runs."""

    def __init__(self) -> None:
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.bind(("127.0.0.1", 0))
        self._socket.setblocking(False)
        self.address: tuple[str, int] = self._socket.getsockname()
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name=type(self).__name__.lower())

    @abstractmethod
    def _run(self) -> None:
        """Until `_stopping` is set; in the thread."""
        ...

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stopping.set()
        self._thread.join()
        self._socket.close()
