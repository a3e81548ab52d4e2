"""Somebody leaves in the middle of a transfer, at every point of it: nothing is left of it, and nobody waits for it."""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from typing import Any

import pytest

from tests.host.rig import Caller, Rig
from tests.host.test_transfers import Desk, asking, finished
from tests.host.transferring import DESK, attach
from trunkline.host import transfer
from trunkline.host.call import LiveCall
from trunkline.host.switchboard import Bridge
from trunkline.resources.agents.models import Agent
from trunkline.voice.conversation.events import ClosedBy, HangUp, LineClosed
from trunkline.voice.conversation.profile import Tool
from trunkline.voice.language.ports import ReplyPart
from trunkline.voice.lines.line import Line, Referred
from trunkline.voice.lines.loopback import LoopbackLine

LONG = "Anna has a question about the order of last week"


class Scene:
    """One transfer that is brought to a point and stays there."""

    def __init__(self, rig: Rig, agent: Agent, monkeypatch: pytest.MonkeyPatch) -> None:
        self.rig = rig
        self.agent = agent
        self.monkeypatch = monkeypatch
        self.rang: list[LoopbackLine] = []
        self.caller: Caller[LoopbackLine]
        self.desk: Desk

    @property
    def call(self) -> LiveCall:
        (call,) = self.rig.host.live()
        return call

    @property
    def near(self) -> LoopbackLine:
        """Our end of the caller's line."""
        return self.caller.line.other

    async def begin(self, **settings: Any) -> None:
        """The caller has asked for a person, who would pick up."""
        await attach(self.rig, self.agent, **settings)
        self.desk = Desk(self.rig)
        self._picks_up = self.rig.engine.phones[DESK]
        self.rig.engine.phones[DESK] = self._ring
        self.caller = await asking(self.rig)

    async def _ring(self, line: LoopbackLine) -> None:
        self.rang.append(line)
        await self._picks_up(line)

    async def until(self, so: Callable[[], bool]) -> None:
        await self.rig.until(so)

    # ---- the points of a transfer ----

    async def stepping_aside(self) -> None:
        await self.begin(initiating_msg=LONG)
        await self.until(lambda: self.caller.hears_sound and self.call._handover._busy)

    async def refer(self) -> None:
        await self.begin(transfer_mode="cold_transfer")
        asked = self._pending("refer")
        await self.rig.meanwhile(asked.wait())

    async def ringing(self) -> None:
        await self.begin()

        async def ring(line: LoopbackLine) -> None:
            self.rang.append(line)

        self.rig.engine.phones[DESK] = ring
        await self.until(lambda: bool(self.rang))

    async def summary(self) -> None:
        """Somebody has answered, and what they are to be told is not written yet."""
        self.monkeypatch.setattr(transfer, "_SUMMARY_SECONDS", 3600.0)
        reply, never = self.rig.llm.reply, asyncio.Event()

        async def slow(
            model: str, messages: Sequence[dict[str, Any]], tools: Sequence[Tool] = ()
        ) -> AsyncIterator[ReplyPart]:
            if "Summarise" in messages[-1]["content"]:
                await never.wait()
            async for part in reply(model, messages, tools):
                yield part

        self.monkeypatch.setattr(self.rig.llm, "reply", slow)
        await self.begin(transfer_mode="warm_transfer_with_context")
        await self.until(lambda: self.desk.person is not None)

    async def extension(self) -> None:
        await self.begin(digits="," * 60)
        await self.until(lambda: self.desk.person is not None)
        await self.rig.wait(5)

    async def briefing(self) -> None:
        await self.begin(message_to_transfer_target=LONG)
        await self.until(lambda: self.desk.person is not None and self.desk.person.hears_sound)

    async def goodbye(self) -> None:
        await self.begin(goodbye_msg=LONG)
        await self.until(lambda: "question." in self.desk.heard and self.caller.hears_sound)

    async def releasing(self) -> None:
        await self.begin(release_media=True)
        asked = self._pending("replace")
        await self.rig.meanwhile(asked.wait())

    async def joined(self) -> None:
        await self.begin()
        await self.until(lambda: self.call._handover.bridged)
        await self.rig.wait(10)

    def _pending(self, method: str) -> asyncio.Event:
        """The other side is asked for this, and tells nothing as long as the line is up."""
        asked = asyncio.Event()

        async def pending(*_: str | float | Line) -> Referred:
            asked.set()
            while self.near.closed is None:  # noqa: ASYNC110 - as of a stack, which tells it before the beat can
                await asyncio.sleep(0)
            return Referred(False, "call closed before the transfer completed")

        self.monkeypatch.setattr(self.near, method, pending)
        return asked


POINTS = [
    Scene.stepping_aside,
    Scene.refer,
    Scene.ringing,
    Scene.summary,
    Scene.extension,
    Scene.briefing,
    Scene.goodbye,
    Scene.releasing,
    Scene.joined,
]
Point = Callable[[Scene], Any]


@pytest.fixture
def scene(rig: Rig, agent: Agent, monkeypatch: pytest.MonkeyPatch) -> Scene:
    return Scene(rig, agent, monkeypatch)


async def nothing_is_left(scene: Scene) -> dict[str, Any]:
    """The call is over, and nothing of its transfer is there any more; what the record says."""
    _, value = await finished(scene.rig)
    names = {task.get_name().partition(" ")[0] for task in asyncio.all_tasks()}
    assert not names & {"transfer", "summary", "hang"}, names
    assert scene.caller.line.closed is not None
    assert all(line.closed is not None for line in scene.rang)
    return value


@pytest.mark.parametrize("point", POINTS, ids=lambda point: point.__name__)
async def test_the_caller_leaves(scene: Scene, point: Point) -> None:
    await point(scene)
    rung = len(scene.rang)
    await scene.caller.line.hang_up()
    value = await nothing_is_left(scene)
    assert value["failed_reason"] == (None if point is Scene.joined else "caller_hung_up")
    assert len(scene.rang) == rung, "nobody is called for a caller who has gone"
    if value["attempts"] and point is not Scene.joined:
        assert value["attempts"][-1]["failed_reason"] == "caller_hung_up"


@pytest.mark.parametrize("point", POINTS, ids=lambda point: point.__name__)
async def test_control_ends_the_call(scene: Scene, point: Point) -> None:
    await point(scene)
    rung = len(scene.rang)
    scene.call.control(HangUp("user_canceled"))
    await nothing_is_left(scene)
    assert len(scene.rang) == rung


@pytest.mark.parametrize("point", [Scene.refer, Scene.ringing, Scene.briefing, Scene.releasing])
async def test_the_conversation_breaks(scene: Scene, point: Point) -> None:
    """A fault of ours on the beat, which hangs up by itself: nothing else tells those who wait."""
    await point(scene)

    def broken(*_: object) -> None:
        raise RuntimeError("broken by the test")

    scene.monkeypatch.setattr(scene.call._agent.session, "tick", broken)
    await nothing_is_left(scene)


@pytest.mark.parametrize("point", [Scene.extension, Scene.briefing, Scene.goodbye])
async def test_the_person_leaves(scene: Scene, point: Point) -> None:
    """The agent has the caller back, and the person is said to have declined."""
    await point(scene)
    await scene.rang[0].hang_up()
    await scene.until(lambda: "It ended with declined." in scene.caller.heard)
    scene.caller.say("are you still there")
    await scene.until(lambda: "You said are you still there." in scene.caller.heard)
    await scene.caller.line.hang_up()
    value = await nothing_is_left(scene)
    assert value["failed_reason"] == "declined"


@pytest.mark.parametrize("leaver", ["caller", "person"])
async def test_one_leaves_in_the_moment_they_are_joined(
    scene: Scene, monkeypatch: pytest.MonkeyPatch, leaver: str
) -> None:
    """The beat has told the conversation of before, and not yet the bridge."""
    await scene.begin()
    join = Bridge.join

    def joined(bridge: Bridge) -> None:
        end = scene.caller.line if leaver == "caller" else scene.rang[0]
        end.close(LineClosed(ClosedBy.LOCAL, "hung_up"))
        end.other.close(LineClosed(ClosedBy.REMOTE, "hung_up"))
        scene.rig.beat.step()
        join(bridge)

    monkeypatch.setattr(Bridge, "join", joined)
    await nothing_is_left(scene)


async def test_a_store_that_is_away_holds_nobody_up(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    """What the person was told is kept meanwhile: the caller has the agent back."""
    kept = asyncio.Event()
    keep = scene.rig.exchange.archive.keep

    async def slow(recorder: Any) -> Any:
        if recorder.call_id != scene.call.id:
            await kept.wait()
        return await keep(recorder)

    monkeypatch.setattr(type(scene.rig.exchange.archive), "keep", lambda _, recorder: slow(recorder))
    await scene.begin(screened=True)
    await scene.until(lambda: "press 2." in scene.desk.heard)
    await scene.rang[0].send_digits("2")
    await scene.until(lambda: "It ended with declined." in scene.caller.heard)
    assert not kept.is_set()
    kept.set()
    await scene.caller.line.hang_up()
    value = await nothing_is_left(scene)
    assert value["attempts"][0]["briefing_recording_id"]
