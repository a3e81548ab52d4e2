"""Puts the demo on: sets up the agent through the public API, has the caller call it, shows and checks the call."""

import asyncio
import json
import sys
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import httpx2
from rich.console import Console

from trunkline.errors import NotAuthorised, SetupError, Unavailable
from trunkline.roles import ports
from trunkline.roles.demo import script
from trunkline.roles.demo.outcome import Outcome
from trunkline.roles.demo.screen import Screen
from trunkline.voice.conversation.events import Note

CALL_WITHIN = 240.0
"""Seconds that a demo call may take, by far."""
RECORD_WITHIN = 30.0
_LOOK_EVERY = 0.2
_FINAL = frozenset({"completed", "failed", "no-answer", "busy", "canceled"})


@dataclass(frozen=True)
class Access:
    """How the demo reaches the platform: as anybody does."""

    api_url: str
    sip_address: str
    key: str


class Director:
    """One demo against one platform."""

    def __init__(
        self, access: Access, terminal: Console, transport: httpx2.AsyncBaseTransport | None = None
    ) -> None:
        self._access = access
        self._screen = Screen(terminal)
        self._outcome = Outcome()
        headers = {"Authorization": f"Bearer {access.key}"}
        self._api = httpx2.AsyncClient(
            base_url=access.api_url, headers=headers, trust_env=False, timeout=15.0, transport=transport
        )

    async def run(self) -> list[str]:
        """Make the call; answers what failed, in words (nothing when all is well).

        Raises SetupError, NotAuthorised or Unavailable when the platform does not even let the demo begin.
        """
        async with self._api:
            agent = await self.agent()
            known = await self._calls(agent)
            self._screen.say(f"a caller dials {script.NUMBER} at {self._access.sip_address}")
            watching = asyncio.create_task(self._watch(agent, known), name="watch the call")
            try:
                async with asyncio.timeout(CALL_WITHIN):
                    await self._call()
                    if self._outcome.answered:
                        await watching
            except TimeoutError:
                self._outcome.failed(f"not over after {CALL_WITHIN:.0f} s")
            finally:
                watching.cancel()
            await self._read_record(agent, known)
        return self._outcome.problems()

    # ---- the agent and its number ----

    async def agent(self) -> str:
        """The demo agent's id: made, or set back to what the demo needs; bound to the demo's number."""
        listed = await self._json("GET", "/v2/assistants", params={"limit": 100})
        ids = [
            each["model_id"]
            for each in listed["response"]["assistants"]
            if each["name"] == script.AGENT["name"]
        ]
        if ids:
            agent = str(ids[0])
            await self._json("PUT", f"/v2/assistants/{agent}", json=script.AGENT)
        else:
            made = await self._json("POST", "/v2/assistants", json=script.AGENT)
            agent = str(made["response"]["model_id"])
        await self._bind(agent)
        return agent

    async def _bind(self, agent: str) -> None:
        slug = script.NUMBER.removeprefix("+")
        answer = await self._api.get(f"/v2/numbers/{slug}")
        if answer.status_code == httpx2.codes.NOT_FOUND:
            number = {
                "phone_number": script.NUMBER,
                "workspace_id": (await self._json("GET", "/trunkline/v1/workspace"))["id"],
                "friendly_name": "Demo",
                "termination_uri": "127.0.0.1",
            }
            await self._json("POST", "/v2/custom-numbers", json=number)
        bound = await self._json("GET", f"/v2/assistants/{agent}")
        numbers = bound["response"]["assistants"][0].get("attached_phone_numbers", [])
        if slug not in [each["slug"] for each in numbers]:
            path = f"/v2/assistants/{agent}/phone_numbers"
            await self._json("PUT", path, json={"phone_numbers": [script.NUMBER]})

    # ---- the call ----

    async def _call(self) -> None:
        """Run the caller and take down what it reports."""
        target = f"sip:{script.NUMBER}@{self._access.sip_address}"
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "trunkline.roles.demo.caller",
            target,
            str(ports.free_sip_port()),
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.DEVNULL,
        )
        assert process.stdout is not None
        try:
            async for line in process.stdout:
                report: dict[str, Any] = json.loads(line)
                self._outcome.reports.append(report)
                self._screen.report(report)
            status = await process.wait()
            if status:
                self._outcome.failed(f"the caller ended with status {status}")
        finally:
            if process.returncode is None:
                process.terminate()
                await process.wait()

    async def _watch(self, agent: str, known: set[str]) -> None:
        """Show the live events of the call that is new."""
        fresh: set[str] = set()
        while not fresh:
            fresh = await self._calls(agent) - known
            await asyncio.sleep(_LOOK_EVERY)
        call = fresh.pop()
        while True:
            if await self.follow(call):
                return
            await asyncio.sleep(_LOOK_EVERY)  # not on yet, or its host has gone

    async def follow(self, call: str) -> bool:
        """Show what is new of a call's events, which each stream tells from the first; True when the call is over."""
        path = f"/trunkline/v1/calls/{call}/events"
        shown = len(self._outcome.notes)
        async with self._api.stream("GET", path, timeout=httpx2.Timeout(15.0, read=None)) as answer:
            if answer.is_error:
                raise Unavailable(f"live events of the call: HTTP {answer.status_code}")
            async for line in answer.aiter_lines():
                if line == "event: end":
                    return True
                if line.startswith("data:"):
                    if shown:
                        shown -= 1
                    else:
                        self._heard(_note(json.loads(line.removeprefix("data:"))))
        return False

    def _heard(self, note: Note) -> None:
        self._outcome.notes.append(note)
        self._screen.note(note)

    # ---- the record ----

    async def _calls(self, agent: str) -> set[str]:
        answer = await self._json("GET", "/v2/calls", params={"model_id": agent, "limit": 20})
        return {str(each["call_id"]) for each in answer["response"]["calls"]}

    async def _read_record(self, agent: str, known: set[str]) -> None:
        fresh = await self._calls(agent) - known
        if not fresh:
            return
        call = fresh.pop()
        with suppress(TimeoutError):
            async with asyncio.timeout(RECORD_WITHIN):
                while self._outcome.record.get("call_status") not in _FINAL:
                    answer = await self._json("GET", f"/v2/calls/{call}")
                    self._outcome.record = answer["response"]["calls"][0]
                    await asyncio.sleep(0.3)
        url = self._outcome.record.get("recording_url")
        if url:
            sound = await self._api.get(url)
            self._outcome.recording = sound.content if sound.is_success else b""
        self._screen.say(f"the record: {self._access.api_url}/v2/calls/{call}")

    async def _json(self, method: str, path: str, **arguments: Any) -> dict[str, Any]:
        try:
            answer = await self._api.request(method, path, **arguments)
        except httpx2.TransportError as error:
            raise Unavailable(
                f"the API at {self._access.api_url} does not answer ({type(error).__name__}); run `trunkline doctor`"
            ) from error
        if answer.status_code == httpx2.codes.UNAUTHORIZED:
            raise NotAuthorised(
                "the API key is refused; set TRUNKLINE_API_KEY to one that works (`trunkline keys create` makes one)"
            )
        if answer.is_error:
            raise SetupError(f"{method} {path} answered {answer.status_code}: {answer.text[:300]}")
        body: dict[str, Any] = answer.json()
        return body


def _note(event: dict[str, Any]) -> Note:
    return Note(int(event["at_ms"]), str(event["kind"]), dict(event.get("data", {})))
