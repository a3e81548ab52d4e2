"""A call out that is taken back, in moments that no peer brings about at will."""

import asyncio
from collections.abc import Coroutine
from typing import Any, cast

import pytest
from baresip import Event, Runtime, StackEvent

from trunkline.voice.lines.sip_agents import SipAgents
from trunkline.voice.lines.sip_dialling import SipDialling
from trunkline.voice.lines.sip_line import SipLine
from trunkline.voice.lines.sip_uri import SipUri, outbound


class AnsweredCall:
    """Stands in for the stack's call and user agent: it is answered in the same moment as its dialler is cancelled, and
    the stack takes no notice of that."""

    handle = 1

    def __init__(self) -> None:
        self.dialled = asyncio.Event()
        self.listeners: list[Any] = []

    async def mouth(self, *_: object) -> "AnsweredCall":
        return self

    async def dial(self, *_: object) -> "AnsweredCall":
        return self

    def on(self, listener: Any) -> None:
        self.listeners.append(listener)

    async def wait_established(self, _: float) -> None:
        self.dialled.set()
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            for listener in self.listeners:
                listener(StackEvent(Event.CALL_ESTABLISHED, handle=self.handle, call=self.handle))


class UpLine:
    def __init__(self) -> None:
        self.hung_up = asyncio.Event()

    async def wait_until_up(self) -> None:
        return

    async def hang_up(self) -> None:
        self.hung_up.set()


class NoRuntime:
    def subscribe(self, _: object) -> None:
        return


async def test_a_call_that_is_answered_as_it_is_taken_back_is_hung_up() -> None:
    call, line = AnsweredCall(), UpLine()
    tasks: set[asyncio.Task[None]] = set()

    def later(work: Coroutine[None, None, None]) -> None:
        tasks.add(asyncio.create_task(work))

    dialling = SipDialling(
        cast(Runtime, NoRuntime()),
        cast(SipAgents, call),
        lambda _: cast(SipLine, line),
        later,
    )
    task = asyncio.create_task(dialling.dial(_uri(), None, {}, 30.0))
    await call.dialled.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    await asyncio.wait_for(line.hung_up.wait(), 30)


def _uri() -> SipUri:
    return outbound("sip:100@127.0.0.1:5060", None)
