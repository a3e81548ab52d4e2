"""A whole voice host in the process of the test: the real SIP engine and the real beat, twins for speech and language.

`Parties` are those of one transfer: a caller and whoever is asked to take over. Both are SIPp for the signalling and a
`Handset` for the sound, so they say what the test wants when it wants, and everything between them is on the wire.
"""

import asyncio
import json
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Any

from benchmarks.ports import free_port, some_rtp_ports
from sqlalchemy import select

from tests.host import transferring
from tests.host.rig import Assembled
from tests.interop import sipp
from tests.interop.handset import Handset
from tests.interop.sipp_run import Sipp
from tests.resources.calls.conftest import NUMBER
from trunkline.platform.storage.database import Database
from trunkline.resources.agents.models import Agent
from trunkline.resources.calls.live import LiveCalls
from trunkline.resources.calls.models import Call
from trunkline.voice.language.twins import Line
from trunkline.voice.lines.sip import SipEngine
from trunkline.voice.lines.sip_config import Certificate

SUMMARY = "A refund, she wants a refund."
_SLOTS = 4


async def attach(house: "House", agent: Agent, **changes: Any) -> None:
    """The agent can transfer; what matters of what it says is said twice, as a busy machine may tear a word."""
    briefing = {"message_to_transfer_target": "A question, Anna has a question."}
    await transferring.attach(house, agent, **(briefing | changes))
    answers = house.answers

    def twice(messages: Any) -> Any:
        said = answers(messages)
        return Line(SUMMARY) if said == Line("She wants a refund.") else said

    house.answers = twice


class House(Assembled):
    """One voice process, on the wall clock."""

    def __init__(
        self, database: Database, live: LiveCalls, folder: Path, certificate: Certificate | None = None
    ) -> None:
        super().__init__(database, live, folder, lines=_SLOTS)
        self.engine = SipEngine(port=free_port(), rtp_ports=some_rtp_ports(), certificate=certificate)
        self.host, self.node = self.open(_SLOTS, drain=5.0)

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self.engine.port}"

    async def start(self) -> None:
        await self.writer.start()
        self.recordings.start()
        self.beat.start()
        await self.host.start(self.engine, self.node)

    async def stop(self) -> None:
        self.host.hurry()
        await self.host.drain()
        await self.host.stop()
        await self.beat.stop()
        await self.close()

    async def until(self, true: Callable[[], bool], seconds: float = 30.0) -> None:
        """Wait until something is so; it comes from other threads and programs."""
        deadline = asyncio.get_running_loop().time() + seconds
        while not true():
            assert asyncio.get_running_loop().time() < deadline, (
                f"not so within {seconds:g} s; the host heard {self.ears.heard}"
            )
            await asyncio.sleep(0.02)

    @property
    def joined(self) -> bool:
        """Has somebody taken over a call?"""
        return any(call._handover.bridged for call in self.host.live())

    def told_of(self, reason: str) -> bool:
        """Has the model read that a transfer failed for this reason?"""
        last = [messages[-1] for messages in self.llm.asked]
        return any(each["role"] == "tool" and f'"{reason}"' in each["content"] for each in last)

    async def finished(self) -> tuple[Call, list[dict[str, Any]]]:
        """The last call's record, and what came of its transfers; nothing of the call is left in the host."""
        await self.until(lambda: not self.host.live())
        async with self.database.system() as session:
            call = (
                await session.execute(select(Call).order_by(Call.created_at.desc()).limit(1))
            ).scalar_one()
        self.check_empty()
        values = [json.loads(entry["return_value"]) for entry in call.executed_actions.values()]
        return call, values

    def check_empty(self) -> None:
        """No leg, no line and no task of a call is left."""
        assert self.exchange.taken == 0
        assert not self.beat._legs
        assert not self.engine._lines
        names = {task.get_name().partition(" ")[0] for task in asyncio.all_tasks()}
        assert not names & {"transfer", "summary", "keys", "hang", "digits"}, names


class Parties:
    """A caller of the house's number, and SIPp at an address of its own who is called by a transfer."""

    def __init__(self, house: House, folder: Path) -> None:
        self.house = house
        self.caller = Handset()
        self.person = Handset()
        self._folder = folder
        self._programs: list[Sipp] = []
        self.calling: Sipp
        self.called: Sipp

    def __enter__(self) -> "Parties":
        self.caller.__enter__()
        self.person.__enter__()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for program in self._programs:
            program.stop()
        self.caller.__exit__(kind, error, trace)
        self.person.__exit__(kind, error, trace)

    @property
    def spare_port(self) -> int:
        """A UDP port on which nobody listens."""
        return free_port()

    def listen(self, scenario: str, transport: str = "u1", port: int = 0) -> str:
        """Somebody can be called; their address."""
        self.called = self._run("person", scenario, "", transport, port)
        return f"sip:desk@127.0.0.1:{self.called.port}"

    def listen_and_talk(self, *first: str, port: int = 0) -> str:
        """Somebody picks up after this and talks until one of the two hangs up; their address."""
        answers = sipp.pick_up(body=sipp.sdp(port=self.person.port))
        return self.listen("".join(first) + sipp.called() + answers + sipp.hang_up_when_told(), port=port)

    async def call(self, scenario: str = "", transport: str = "u1") -> None:
        """The caller rings up, and asks for a person once the agent is there. `scenario`: from the answer on."""
        self.ring_up("sipp", scenario or sipp.hang_up_when_told(2, NUMBER), transport)
        await self.house.until(lambda: bool(self.house.host.live()))
        await self.tell_agent("person", lambda: any("person" in heard for heard in self.house.ears.heard))

    def ring_up(self, name: str, scenario: str, transport: str = "u1") -> None:
        """Somebody of this name calls the house. `scenario`: from the answer on."""
        opening = sipp.invite(NUMBER, sipp.sdp(port=self.caller.port)) + sipp.answered() + sipp.ack(NUMBER)
        whole = (opening + scenario).replace("<sip:sipp@", f"<sip:{name}@")
        self.calling = self._run("caller", whole, self.house.address, transport)

    async def tell_agent(self, words: str, understood: Callable[[], bool]) -> None:
        """The caller says it to the agent."""
        await self.repeat(self.caller, words, understood)

    async def talk(self) -> None:
        """Both hear each other."""
        await self.repeat(self.caller, "desk", lambda: "desk" in self.person.heard)
        await self.repeat(self.person, "caller", lambda: "caller" in self.caller.heard)

    async def repeat(self, handset: Handset, words: str, understood: Callable[[], bool]) -> None:
        """Say it, and say it again where a busy machine has torn the words."""
        for _ in range(4):
            handset.say(words)
            with suppress(AssertionError):
                return await self.house.until(understood, seconds=4.0)
        await self.house.until(understood)

    def _run(self, name: str, scenario: str, target: str, transport: str, port: int = 0) -> Sipp:
        folder = self._folder / f"{name}-{len(self._programs)}"
        folder.mkdir()
        program = Sipp(folder, scenario, target, transport=transport, port=port)
        self._programs.append(program)
        return program

    async def left(self) -> None:
        """Whoever was rung up, or rang up, has been told of the end."""
        for program in self._programs:
            if program is self.calling or program.received("INVITE"):
                await asyncio.to_thread(program.finish)

    async def finish(self) -> None:
        """All programs have ended as their scenarios say."""
        for program in self._programs:
            await asyncio.to_thread(program.finish)
