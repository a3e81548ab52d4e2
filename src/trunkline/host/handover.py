"""The transfers of one live call: what the model or control asks for, one at a time, and what holds once it is done.

While somebody is sought the conversation is away and its line is kept by `waiting`; once both are joined the
conversation is over and the call goes on as a bridge, until one of the two leaves.
"""

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from typing import Any

import structlog

from trunkline.errors import Conflict
from trunkline.host.attendant import Attendant
from trunkline.host.desk import Desk
from trunkline.host.leg import GatedTape, Owner
from trunkline.host.switchboard import Party
from trunkline.host.transfer import Transfer
from trunkline.host.waiting import Waiting
from trunkline.resources.actions.work import Occasion, Outcome, PlannedAction
from trunkline.resources.calls.plan import CallPlan
from trunkline.resources.transfers.outcome import Transferred
from trunkline.voice.conversation.events import (
    TICK_MS,
    ComeBack,
    EndReason,
    HangUp,
    Kind,
    Say,
    StepAside,
    Whisper,
)
from trunkline.voice.lines.line import Line, Referred

log = structlog.get_logger(__name__)

_ALREADY = "A transfer of this call is on already; wait for its outcome."
_NOT_TRANSFERRED = "The transfer failed. The caller is still with you: say so and go on helping."


@dataclass(frozen=True)
class Talk:
    """The call's own parts that a transfer moves."""

    agent: Attendant
    owner: Owner
    tape: GatedTape
    note: Callable[[Kind, dict[str, Any]], None]
    """Adds to the call's record."""
    over: Callable[[], None]
    """Tells that those who were joined have parted: the call is over."""


class Handover:
    """Belongs to the work loop. Fulfils transfer.Caller."""

    def __init__(self, plan: CallPlan, line: Line, desk: Desk, talk: Talk) -> None:
        self.plan = plan
        self.line = line
        self.gone = asyncio.Event()
        self._desk = desk
        self._talk = talk
        self._stepped_aside = asyncio.Event()
        self._busy = False
        self._transfer: Transfer | None = None
        self._work: asyncio.Task[Outcome] | None = None
        self._closing: set[asyncio.Task[None]] = set()

    @property
    def bridged(self) -> bool:
        """Has somebody taken the call over, on this host?"""
        return self._transfer is not None and self._transfer.bridge is not None

    # ---- asked by control ----

    async def refer(self, target: str, seconds: float) -> Referred:
        """Send the other side to a `sip:` URI, at most so many seconds; when that fails the agent goes on with it.

        Raises Conflict while another transfer is on.
        """
        if self._busy:
            raise Conflict(_ALREADY)
        self._busy = True
        talk = self._talk
        try:
            talk.note(Kind.TRANSFER_STARTED, {"target": target})
            talk.agent.feed(StepAside())
            outcome = await self.line.refer(target, seconds)
            talk.note(Kind.TRANSFER_FINISHED, {"target": target, **asdict(outcome)})
            if not outcome.ok:
                talk.agent.feed(ComeBack())
                talk.agent.feed(Whisper(f"{_NOT_TRANSFERRED} ({outcome.reason})", reply=True))
            return outcome
        finally:
            self._busy = False

    # ---- asked by the model ----

    async def transfer(
        self, action: PlannedAction, arguments: Mapping[str, Any], occasion: Occasion
    ) -> Outcome:
        """Hand the caller over. Returns when that failed; afterwards there is nobody left to tell."""
        if self._busy:
            return Outcome({"error": _ALREADY}, ok=False, error=_ALREADY)
        self._busy = True
        # A task of its own: whoever asked is gone once the conversation is over, and the bridge is not.
        self._work = asyncio.create_task(
            self._hand_over(action, arguments, occasion), name=f"transfer {self.plan.call_id}"
        )
        return await asyncio.shield(self._work)

    async def _hand_over(
        self, action: PlannedAction, arguments: Mapping[str, Any], occasion: Occasion
    ) -> Outcome:
        transfer = self._transfer = Transfer(self, action, self._desk)
        self._talk.note(Kind.TRANSFER_STARTED, {"action": action.name})
        try:
            done = await transfer.run(arguments, occasion.variables)
            log.info("transfer_ended", call_id=str(self.plan.call_id), reason=str(done.failure or "success"))
            self._talk.note(Kind.TRANSFER_FINISHED, {"action": action.name, "value": done.value})
            if not done.ok:
                return _failed(done)
            await self._over_to_them(transfer, keep_recording=done.keep_recording)
            return Outcome(done.value)
        except Exception as error:
            log.exception("transfer_broke", call_id=str(self.plan.call_id))
            self.come_back()
            text = f"The transfer failed in the voice host ({type(error).__name__})."
            return Outcome({"error": text}, ok=False, error=text)
        finally:
            self._transfer, self._busy = None, False
            self._close(transfer)

    def _close(self, transfer: Transfer) -> None:
        """Meanwhile, for neither the caller nor the agent shall wait for other lines or for a store."""
        closing = asyncio.create_task(_closed(transfer), name=f"transfer closing {self.plan.call_id}")
        self._closing.add(closing)
        closing.add_done_callback(self._closing.discard)

    async def _over_to_them(self, transfer: Transfer, keep_recording: bool) -> None:
        """Until the end of the call: a bridge, or after a REFER the closing of the line."""
        talk, bridge = self._talk, transfer.bridge
        if bridge is None:
            await self.gone.wait()
            return
        talk.tape.running = talk.tape.running and keep_recording
        bridge.join()
        talk.agent.feed(HangUp(EndReason.TRANSFERRED.value))
        session = talk.agent.session
        if not session.ended:  # it waits for last words, but its ticks are over
            talk.note(Kind.ENDED, {"reason": EndReason.TRANSFERRED.value, "detail": ""})
        began = asyncio.get_running_loop().time()
        left = await bridge.over()
        talked_ms = round((asyncio.get_running_loop().time() - began) * 1000)
        who = "host" if left is None else "caller" if left is self.line else "human"
        talk.note(Kind.BRIDGE_ENDED, {"left": who, "talked_ms": talked_ms // TICK_MS * TICK_MS})
        talk.over()

    # ---- what the call tells ----

    def stepped_aside(self) -> None:
        """The agent has fallen silent."""
        self._stepped_aside.set()

    def end_bridge(self) -> bool:
        """Part the two who are joined; False: nobody is."""
        bridge = self._transfer.bridge if self._transfer is not None else None
        if bridge is None:
            return False
        bridge.part()
        return True

    async def close(self) -> None:
        """The call is over: take back what is under way."""
        self.gone.set()
        self.end_bridge()  # a caller who could not be told that they were joined would leave the other alone
        if self._work is not None:
            await asyncio.wait((self._work,))
        if self._closing:
            await asyncio.wait(self._closing)

    # ---- transfer.Caller ----

    @property
    def party(self) -> Party:
        return Party(self._talk.agent.leg, self.line, self._talk.owner)

    @property
    def messages(self) -> tuple[dict[str, Any], ...]:
        return self._talk.agent.session.dialogue.messages()

    async def step_aside(self, music: bool) -> None:
        self._stepped_aside.clear()
        agent = self._talk.agent
        agent.feed(StepAside())
        await self._stepped_aside.wait()
        agent.leg.pass_to(Waiting(agent.session, self.line.rate, music), self._talk.owner)

    async def say(self, text: str) -> None:
        self.come_back()
        self._talk.agent.feed(Say(text))
        await self.step_aside(music=False)

    def come_back(self) -> None:
        agent = self._talk.agent
        agent.leg.pass_to(agent.session, self._talk.owner)
        agent.feed(ComeBack())


async def _closed(transfer: Transfer) -> None:
    try:
        await transfer.close()
    except Exception:
        log.exception("transfer_not_closed")


def _failed(done: Transferred) -> Outcome:
    said = "" if done.failure is None else done.failure.said
    return Outcome(done.value, ok=False, error=str(done.failure), failure=said)
