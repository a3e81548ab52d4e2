"""What goes over the wire to a tool server and back: for the log of a call of its tools."""

import json
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime

from trunkline.platform.outbound.client import Answer


@dataclass
class Exchange:
    """One request over HTTP as it went out, and what has come back of its answer. Times are in milliseconds."""

    method: str
    url: str
    headers: dict[str, str]
    body: bytes
    sent_at: datetime = field(default_factory=lambda: datetime.now(UTC))
    began: float = field(default_factory=time.monotonic)
    status: int = 0
    answer_headers: dict[str, str] = field(default_factory=dict)
    answer_body: bytearray = field(default_factory=bytearray)
    first_byte_ms: int = 0
    elapsed_ms: int = 0

    @property
    def asks(self) -> str:
        """The protocol's method that it calls; "" for none."""
        try:
            message = json.loads(self.body)
        except ValueError:
            return ""
        return str(message.get("method", "")) if isinstance(message, dict) else ""

    @property
    def answer(self) -> Answer | None:
        """The answer as far as it was read; None where none came."""
        if not self.status:
            return None
        body = bytes(self.answer_body)
        return Answer(self.status, self.answer_headers, body, self.elapsed_ms, self.first_byte_ms)

    def answered(self, status: int, headers: Mapping[str, str]) -> None:
        """The head of the answer is there."""
        self.status = status
        self.answer_headers = dict(headers)
        self.first_byte_ms = self.elapsed_ms = self._since()

    def read(self, piece: bytes) -> None:
        """A piece of its body is there."""
        self.answer_body += piece
        self.elapsed_ms = self._since()

    def _since(self) -> int:
        return round((time.monotonic() - self.began) * 1000)
