"""The tools of a call at work: which may run, how long each has run, which are given up."""

import json
from dataclasses import dataclass, field, replace
from typing import Any

from trunkline.voice.conversation.events import (
    TICK_MS,
    CancelTool,
    Kind,
    ReplyTool,
    RunTool,
    ToolResult,
)
from trunkline.voice.conversation.outbox import Outbox
from trunkline.voice.conversation.profile import Tool, ToolManner

_TIMED_OUT = "no answer within {seconds:g} s"


@dataclass
class Running:
    """A tool at work."""

    tool: ReplyTool
    manner: ToolManner
    since: int
    """Tick."""
    late: bool = False
    """Its delay was told."""


@dataclass
class Toolbox:
    """The tools that run or ran in this call."""

    outbox: Outbox
    offered: dict[str, Tool]
    running: dict[str, Running] = field(default_factory=dict)
    """By call id."""
    _ran: set[str] = field(default_factory=set)
    """In this turn: names with arguments."""

    def new_turn(self) -> None:
        """The same tool with the same arguments may run again."""
        self._ran.clear()

    def start(self, wanted: ReplyTool) -> Running | None:
        """Run a tool with the arguments that it declares; None: it ran with these in this turn already."""
        offered = self.offered.get(wanted.name)
        tool = replace(wanted, arguments=offered.bound(wanted.arguments)) if offered else wanted
        key = f"{tool.name} {json.dumps(tool.arguments, sort_keys=True)}"
        if key in self._ran:
            return None
        self._ran.add(key)
        manner = offered.manner if offered else ToolManner()
        running = self.running[tool.call] = Running(tool, manner, self.outbox.tick)
        record: dict[str, Any] = offered.record if offered else {}
        told = {**record, "call": tool.call, "name": tool.name, "arguments": tool.arguments}
        self.outbox.note(Kind.TOOL_STARTED, **told)
        self.outbox.ask(RunTool(tool.call, tool.name, tool.arguments))
        return running

    def finish(self, event: ToolResult) -> Running | None:
        """A tool's outcome; None for one that was given up."""
        if (ran := self.running.pop(event.call, None)) is None:
            return None
        error = event.error or ("" if event.ok else event.result)
        self.outbox.note(
            Kind.TOOL_FINISHED,
            call=event.call,
            name=ran.tool.name,
            result=event.result,
            ok=event.ok,
            error=error,
        )
        if event.wrote:
            self.outbox.note(Kind.CALLER_WROTE, text=event.wrote)
        return ran

    def give_up(self) -> list[ToolResult]:
        """Cancel what has run for as long as it may; the outcomes that stand for theirs."""
        overdue = [each for each in self.running.values() if self._lasts(each, each.manner.timeout)]
        for each in overdue:
            self.outbox.ask(CancelTool(each.tool.call))
        return [_timed_out(each) for each in overdue]

    def late(self) -> Running | None:
        """A tool that takes long enough to say so; each but once."""
        for each in self.running.values():
            if each.manner.delay and not each.late and self._lasts(each, each.manner.delay_after):
                each.late = True
                return each
        return None

    @property
    def sound(self) -> str:
        """What is heard of the work; "" for nothing."""
        return next((each.manner.sound for each in self.running.values() if each.manner.sound), "")

    def _lasts(self, running: Running, seconds: float | None) -> bool:
        return seconds is not None and (self.outbox.tick - running.since) * TICK_MS >= seconds * 1000


def _timed_out(running: Running) -> ToolResult:
    error = _TIMED_OUT.format(seconds=running.manner.timeout)
    told = {"error": "timeout", "message": f"{running.tool.name} gave {error} and was given up."}
    return ToolResult(running.tool.call, json.dumps(told), ok=False, error=error)
