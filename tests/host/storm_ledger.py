"""What a storm is written down in when there are to be thousands of calls: rows in memory in place of a database.

It keeps to what `LiveCalls` and `CallTasks` promise, statement by statement, and reads records with the product's own
fold; that those two keep it themselves is for the storm over PostgreSQL to show.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from random import Random
from typing import cast
from uuid import UUID

from tests.host.rig import Rig
from tests.host.storm import Gate
from tests.host.storm_rules import Told
from tests.host.storm_weather import Fate, StormyModel, twins
from trunkline.errors import NoFreeSlot, NotFound
from trunkline.host.node import HEARTBEAT_SECONDS, Identity, Node
from trunkline.platform.storage.blobs import Blobs
from trunkline.platform.storage.database import Database
from trunkline.resources.calls import recordings
from trunkline.resources.calls.closing import Recording
from trunkline.resources.calls.live import LiveCalls
from trunkline.resources.calls.plan import CallPlan
from trunkline.resources.calls.record import Direction, fold
from trunkline.resources.calls.status import FINAL, UNDER_WAY, AttemptState, CallStatus, sources
from trunkline.voice.conversation.events import EndReason, Note
from trunkline.voice.conversation.profile import Patience, Profile

_CLAIM_SECONDS = 3.0
_WAIT_SECONDS = 60.0
WORKSPACE = UUID(int=1)
AGENT = UUID(int=2)


class MemoryBlobs:
    """Fulfils Blobs. The product's own store in memory answers from a thread, which a virtual clock has not."""

    def __init__(self) -> None:
        self._kept: dict[str, bytes] = {}

    async def put(self, key: str, data: bytes | Path) -> None:
        self._kept[key] = _content(data)

    async def get(self, key: str, start: int = 0, length: int | None = None) -> bytes:
        if key not in self._kept:
            raise NotFound(f"There is no {key}.")
        return self._kept[key][start:][:length]

    async def list(self, folder: str) -> list[str]:
        return sorted(key for key in self._kept if key.startswith(f"{folder}/"))

    async def delete(self, key: str) -> None:
        self._kept.pop(key, None)

    async def exists(self, key: str) -> bool:
        return key in self._kept

    async def size(self, key: str) -> int:
        return len(await self.get(key))

    def local_path(self, key: str) -> Path | None:
        return None


def _content(data: bytes | Path) -> bytes:
    return data if isinstance(data, bytes) else data.read_bytes()


@dataclass
class Host:
    """A row of `nodes`."""

    capacity: int
    active: int = 0
    draining: bool = False


@dataclass
class Attempt:
    """A row of `call_attempts`."""

    host: UUID
    made: float
    state: AttemptState = AttemptState.PENDING


@dataclass
class Entry:
    """A row of `calls` with those that hang on it."""

    id: UUID
    direction: Direction
    profile: Profile
    record: bool
    made: float
    status: CallStatus
    target: str = ""
    host: UUID | None = None
    answered: bool = False
    ended: bool = False
    attempts: list[Attempt] = field(default_factory=list)
    """Number 1 first."""
    notes: dict[int, Note] = field(default_factory=dict)
    transcript: str = ""
    recording: Recording | None = None
    fault: str | None = None

    @property
    def plan(self) -> CallPlan:
        outbound = self.direction is Direction.OUTBOUND
        return CallPlan(
            self.id,
            WORKSPACE,
            AGENT,
            self.direction,
            self.profile,
            record=self.record,
            keep_transcript=True,
            number_from="+15550100" if outbound else "+15550199",
            number_to=self.target or "+15550100",
            target=self.target or None,
            trunk=None,
            headers={},
        )

    def move(self, to: CallStatus) -> bool:
        """The conditional update of every status."""
        if self.status not in sources(to):
            return False
        self.status = to
        return True

    def move_attempt(self, n: int, source: AttemptState, to: AttemptState) -> bool:
        attempt = self.attempts[n - 1]
        if attempt.state is not source:
            return False
        attempt.state = to
        return True

    def in_state(self, state: AttemptState) -> int | None:
        """The number of the attempt in this state."""
        return next((n for n, each in enumerate(self.attempts, 1) if each.state is state), None)

    def refold(self) -> EndReason | None:
        """Read the notes again; why the conversation ended."""
        notes = [note for _, note in sorted(self.notes.items())]
        record = fold(notes, self.direction, datetime.fromtimestamp(0, UTC))
        self.transcript = record.transcript
        return record.end_reason


class Ledger:
    """The calls and hosts of one storm: `LiveCalls` to a host, `CallTasks` to whoever plays the worker."""

    def __init__(self, seed: int) -> None:
        self.seed = seed
        self.away = self.store_away = False
        self.calls: dict[UUID, Entry] = {}
        self.hosts: dict[UUID, Host] = {}
        self.blobs = cast(Blobs, Gate(MemoryBlobs(), lambda: self.store_away))
        self._dice = Random(seed)

    @property
    def live(self) -> LiveCalls:
        """What hosts ask."""
        return cast(LiveCalls, self)

    # ---- what a host asks ----

    async def open_inbound(
        self, *, dialled: str, caller: str, host: UUID, sip_call_id: str, headers: dict[str, str]
    ) -> CallPlan:
        if host not in self.hosts or self.hosts[host].draining:
            raise NoFreeSlot("This voice host is draining, or was given up.")
        call = self._new(Direction.INBOUND, CallStatus.RINGING)
        call.host = host
        return call.plan

    async def pending_attempts(self, host: UUID) -> list[tuple[UUID, int]]:
        return [
            (call.id, n)
            for call in self.calls.values()
            for n, attempt in enumerate(call.attempts, 1)
            if attempt.host == host and attempt.state is AttemptState.PENDING
        ]

    async def claim(self, call_id: UUID, n: int, host: UUID) -> CallPlan | None:
        call = self.calls[call_id]
        if call.attempts[n - 1].host != host:
            return None
        if not call.move_attempt(n, AttemptState.PENDING, AttemptState.DIALLING):
            return None
        if call.status is not CallStatus.PENDING:
            call.move_attempt(n, AttemptState.DIALLING, AttemptState.FAILED)
            return None
        return call.plan

    async def ringing(self, call_id: UUID) -> bool:
        return self.calls[call_id].move(CallStatus.RINGING)

    async def answered(self, call_id: UUID) -> bool:
        call = self.calls[call_id]
        if not call.move(CallStatus.IN_PROGRESS):
            return False
        call.answered = True
        if (n := call.in_state(AttemptState.DIALLING)) is not None:
            call.move_attempt(n, AttemptState.DIALLING, AttemptState.ANSWERED)
        return True

    async def append(self, workspace_id: UUID, call_id: UUID, first_seq: int, notes: Sequence[Note]) -> bool:
        call = self.calls[call_id]
        if call.status in FINAL:
            return False
        self._insert(call, first_seq, notes)
        return True

    async def append_late(
        self, workspace_id: UUID, call_id: UUID, first_seq: int, notes: Sequence[Note]
    ) -> None:
        call = self.calls[call_id]
        self._insert(call, first_seq, notes)
        call.refold()

    async def dial_failed(self, call_id: UUID, n: int, outcome: str, code: int | None, message: str) -> None:
        call = self.calls[call_id]
        if call.move_attempt(n, AttemptState.DIALLING, AttemptState.FAILED):
            busy = {"busy": CallStatus.BUSY, "no_answer": CallStatus.NO_ANSWER}
            self._end(call, busy.get(outcome, CallStatus.FAILED))

    async def finish(
        self, call_id: UUID, *, recording: Recording | None = None, fault: str | None = None
    ) -> bool:
        call = self.calls[call_id]
        if call.status in FINAL:
            return False
        reason = call.refold()
        to = CallStatus.COMPLETED
        if fault is not None or reason in (None, EndReason.ERROR, EndReason.LINE_LOST):
            to = CallStatus.FAILED
        if fault is None and not call.answered:
            to = CallStatus.CANCELED
        call.recording, call.fault = recording, fault
        return self._end(call, to)

    # ---- what the node of a host asks ----

    def register(self, host: UUID, capacity: int) -> None:
        self.hosts[host] = Host(capacity)

    def heartbeat(self, host: UUID) -> set[UUID] | None:
        """Calls that it holds by our account; None: we do not know it (any more)."""
        if host not in self.hosts:
            return None
        held = {call.id for call in self.calls.values() if call.host == host and not call.ended}
        self.hosts[host].active = len(held)
        return held

    # ---- what the worker does ----

    async def accept(self, target: str) -> UUID:
        """`POST /v2/calls`."""
        call = self._new(Direction.OUTBOUND, CallStatus.PENDING)
        call.target = target
        return call.id

    async def place(self, call_id: UUID) -> None:
        """Offer it to a host, unless one has it."""
        call = self.calls[call_id]
        waits = call.status in (CallStatus.PENDING, CallStatus.QUEUE)
        if not waits or any(attempt.state in UNDER_WAY for attempt in call.attempts):
            return
        late = self._now() - call.made > _WAIT_SECONDS
        host = None if late and call.attempts else self._any_slot()
        if host is not None:
            call.move(CallStatus.PENDING)
            call.host = host
            call.attempts.append(Attempt(host, self._now()))
        elif late:
            self._end(call, CallStatus.FAILED)
        else:
            call.move(CallStatus.QUEUE)

    async def look(self) -> None:
        """Offers that nobody took, calls that wait for a slot, calls whose host is gone."""
        for host in {call.host for call in self.calls.values() if call.host and not call.ended} - set(
            self.hosts
        ):
            await self.bury(host)
        for call in self.calls.values():
            n = call.in_state(AttemptState.PENDING)
            if n is not None and self._now() - call.attempts[n - 1].made > _CLAIM_SECONDS:
                await self._offer_anew(call, n)
            elif call.status is CallStatus.QUEUE and call.host is None:
                await self.place(call.id)

    async def bury(self, host: UUID) -> None:
        """Close what a host held that is taken for dead."""
        self.hosts.pop(host, None)
        for call in [each for each in self.calls.values() if each.host == host and not each.ended]:
            n = call.in_state(AttemptState.PENDING)
            if n is not None:
                await self._offer_anew(call, n)
                continue
            recording = await recordings.join(self.blobs, WORKSPACE, call.id)
            if (n := call.in_state(AttemptState.DIALLING)) is not None:
                call.move_attempt(n, AttemptState.DIALLING, AttemptState.FAILED)
            await self.finish(call.id, recording=recording, fault="The host died.")

    async def undialled(self) -> bool:
        return any(call.status in (CallStatus.PENDING, CallStatus.QUEUE) for call in self.calls.values())

    async def held(self, host: UUID) -> int:
        """Calls that are open there by our account."""
        return sum(call.host == host and not call.ended for call in self.calls.values())

    async def told(self, checked: set[UUID]) -> list[Told]:
        """Of every call that is not among those checked."""
        return [
            Told(
                call.id,
                call.status,
                call.ended,
                [(seq, note) for seq, note in sorted(call.notes.items())],
                call.transcript,
                call.recording.key if call.recording else None,
                call.recording.seconds if call.recording else None,
                to_be_recorded=call.record and not call.profile.consent_message,
            )
            for call in self.calls.values()
            if call.id not in checked
        ]

    def rig(self, live: LiveCalls, folder: Path, capacity: int) -> Rig:
        """A host that has not started."""
        return _Rig(self, live, folder, capacity)

    # ---- rows ----

    def _new(self, direction: Direction, status: CallStatus) -> Entry:
        name = f"call-{len(self.calls)}"
        call_id = UUID(int=self._dice.getrandbits(128), version=4)
        profile, recorded = drawn(Random(self._dice.random()), name)
        call = Entry(call_id, direction, profile, recorded, self._now(), status)
        self.calls[call_id] = call
        return call

    def _insert(self, call: Entry, first_seq: int, notes: Sequence[Note]) -> None:
        for seq, note in enumerate(notes, first_seq):
            call.notes.setdefault(seq, note)

    def _end(self, call: Entry, to: CallStatus) -> bool:
        if not call.move(to):
            return False
        assert not call.ended, f"call {call.id} ended twice"
        call.ended = True
        return True

    def _any_slot(self) -> UUID | None:
        for host, row in self.hosts.items():
            if not row.draining and row.active < row.capacity:
                row.active += 1
                return host
        return None

    async def _offer_anew(self, call: Entry, n: int) -> None:
        call.move_attempt(n, AttemptState.PENDING, AttemptState.REVOKED)
        if call.host in self.hosts:
            self.hosts[call.host].active = max(0, self.hosts[call.host].active - 1)
        call.host = None
        await self.place(call.id)

    def _now(self) -> float:
        return asyncio.get_running_loop().time()


def drawn(dice: Random, name: str) -> tuple[Profile, bool]:
    """An agent, whose parts know its calls by a name of their own, and whether it records."""
    profile = Profile(
        "You are short.",
        greeting=dice.choice(("", "Hi.", "Hi.", "Who is it?")),
        model=name,
        voice_id=name,
        keywords=(name,),
        patience=dice.choice(tuple(Patience)),
        allowed_idle=dice.choice((1.0, 30.0, 30.0)),
        max_duration=dice.choice((1.5, 1800.0, 1800.0, 1800.0)),
        consent_message=dice.choice(("", "", "", "", "OK?")),
        min_words_to_interrupt=dice.choice((0, 1, 1)),
        interruptible=dice.random() < 0.9,
        fillers=("Er.",) if dice.random() < 0.2 else (),
        thinking_deadline=2.0,
    )
    return profile, dice.random() < 0.8


class _Node(Node):
    """A node whose row is in the ledger."""

    def __init__(self, ledger: Ledger, rig: Rig, identity: Identity) -> None:
        super().__init__(rig.database, identity, lambda: rig.holding.calls, rig.holding.found_closed)
        self._ledger = ledger
        self._rig = rig
        self._life: asyncio.Task[None] | None = None

    async def start(self) -> None:
        self._ledger.register(self.identity.id, self.identity.capacity)
        self.reachable = True
        self._life = asyncio.create_task(self._live(), name="heartbeat")

    async def drain(self) -> None:
        self._ledger.hosts[self.identity.id].draining = True

    async def stop(self) -> None:
        if self._life is not None:
            self._life.cancel()
        self._ledger.hosts.pop(self.identity.id, None)

    async def _live(self) -> None:
        while True:
            await asyncio.sleep(HEARTBEAT_SECONDS)
            self.reachable = not self._ledger.away
            if self._ledger.away:
                continue
            held = set(self._rig.holding.calls)
            open_here = self._ledger.heartbeat(self.identity.id)
            if open_here is None:
                self._ledger.register(self.identity.id, self.identity.capacity)
            for call_id in held - (open_here or set()):
                self._rig.holding.found_closed(call_id)


class _Rig(Rig):
    """A whole voice host that has no database, on a virtual clock."""

    def __init__(self, ledger: Ledger, live: LiveCalls, folder: Path, capacity: int) -> None:
        self._ledger = ledger
        fate = Fate(ledger.seed, speed=1)
        nowhere = cast(Database, None)  # no agent has an action, so nothing asks it
        super().__init__(
            nowhere, live, folder, capacity, StormyModel(fate), twins=twins(fate), blobs=ledger.blobs
        )
        self.speed = 1

    def join(self, identity: Identity) -> Node:
        return _Node(self._ledger, self, identity)
