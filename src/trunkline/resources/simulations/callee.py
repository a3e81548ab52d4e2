"""The platform that a simulated caller really calls (level `line`), as whoever plays the caller sees it."""

import json
from collections.abc import Mapping
from typing import Any, Protocol

from pydantic import BaseModel, ConfigDict

from trunkline.errors import SetupError
from trunkline.voice.conversation.events import Note
from trunkline.voice.driver.ports import RunTool

CALLER, CALLED = "+12025550187", "+12025550142"
"""202-555-01xx is reserved for fiction."""
RECORD = "record"
"""What is asked of the worker when the call is over, in place of a tool: the platform runs those by itself."""


class Expected(BaseModel):
    """A call that was announced: its INVITE, with the id in the header X-EI, goes to this address."""

    model_config = ConfigDict(frozen=True)

    call_id: str
    sip_address: str
    """host:port of a voice process."""


class Callee(Protocol):
    """The platform, for the calls of one agent."""

    async def announce(self, variables: Mapping[str, Any]) -> Expected:
        """A call that will come. Raises SetupError, Unavailable."""
        ...

    async def notes(self, call_id: str) -> list[Note]:
        """What it noted of a call, once that is over. Raises SetupError, Unavailable."""
        ...


class ThroughWorker:
    """Fulfils Callee for the one call that a worker has announced; its record is asked of the worker."""

    def __init__(self, expected: Expected, ask: RunTool) -> None:
        self._expected = expected
        self._ask = ask

    async def announce(self, variables: Mapping[str, Any]) -> Expected:
        """The call, which was announced with its variables."""
        return self._expected

    async def notes(self, call_id: str) -> list[Note]:
        """What the platform noted. Raises SetupError: what was really done is not done again for the want of it."""
        answer = await self._ask(RECORD, {})
        if not answer.ok:
            raise SetupError(answer.error)
        return [Note(**each) for each in json.loads(answer.text)]
