"""A program on the SIP engine alone: answers, plays or echoes, reports what happens as JSON lines on stdout.

    python -m tests.interop.answerer --port 5070 --rtp 20000-20999 [--mode echo|tone|listen|ring|refuse]

Commands come as JSON lines on stdin: {"do": "dial", "target": …, "ring_timeout": …}, {"do": "cancel"},
{"do": "digits", "digits": …}, {"do": "refer", "target": …, "seconds": …}, {"do": "say", "frames": …}, {"do": "hold"}, {"do": "resume"},
{"do": "report"}, {"do": "hang_up"}, {"do": "stop"}. Dialled lines are treated like answered ones. Samples are told as
if at 8 kHz, whatever the line's rate.
"""

import argparse
import asyncio
import json
import sys
import threading
import time
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import structlog

from trunkline.errors import BadInput, DialFailed, TrunklineError
from trunkline.voice.conversation.events import LineClosed
from trunkline.voice.lines.line import IncomingCall, Line, Trunk
from trunkline.voice.lines.sip import SipEngine
from trunkline.voice.lines.sip_config import CODECS, Certificate

BEAT = 0.02
AHEAD_MS = 60
"""Kept in the line while a tone plays."""


def say(event: str, **data: object) -> None:
    sys.stdout.write(json.dumps({"event": event, **data}) + "\n")
    sys.stdout.flush()


def tone(hertz: int = 440, rate: int = 8000) -> bytes:
    """One second of it."""
    wave = 8000 * np.sin(2 * np.pi * hertz * np.arange(rate) / rate)
    return wave.astype(np.int16).tobytes()


class Talk:
    """What the beat does with one line."""

    def __init__(self, name: str, line: Line, mode: str) -> None:
        self.name, self.line, self.mode = name, line, mode
        self.tone, self.at, self.heard, self.loud, self.closed = b"", 0, 0, 0, False

    def say(self, frames: int) -> int:
        """The next frames of the tone."""
        rate = self.line.rate
        self.tone, size = self.tone or tone(rate=rate), rate // 50 * 2
        taken = 0
        for _ in range(frames):
            taken += self.line.write(self.tone[self.at : self.at + size])
            self.at = (self.at + size) % len(self.tone)
        return taken

    def beat(self) -> None:
        line = self.line
        pcm = line.read()
        per_8k = line.rate // 8000
        self.heard += len(pcm) // 2 // per_8k
        self.loud += int((np.abs(np.frombuffer(pcm, dtype=np.int16).astype(int)) > 500).sum()) // per_8k
        if self.mode == "echo" and pcm:
            line.write(pcm)
        while self.mode == "tone" and line.queued() * 1000 < AHEAD_MS * line.rate:
            if not self.say(1):
                break
        for event in line.events():
            say("line", call=self.name, kind=type(event).__name__, data=str(getattr(event, "digit", "")))
            if isinstance(event, LineClosed):
                self.closed = True
                say(
                    "closed", call=self.name, by=event.by.value, reason=event.reason, code=event.code,
                    heard=self.heard, loud=self.loud,
                )  # fmt: skip


class Answerer:
    """The engine, its beat thread, and the commands."""

    def __init__(self, arguments: argparse.Namespace) -> None:
        self.mode, self.cap = arguments.mode, arguments.cap
        self.engine = SipEngine(
            port=arguments.port,
            rtp_ports=arguments.rtp,
            rtp_timeout=arguments.rtp_timeout,
            codecs=tuple(arguments.codecs.split(",")),
            certificate=Certificate(*map(Path, arguments.certificate)) if arguments.certificate else None,
        )
        self.talks: list[Talk] = []
        self.done = threading.Event()
        self.dials: set[asyncio.Task[None]] = set()

    async def incoming(self, call: IncomingCall) -> None:
        say(
            "incoming", call=call.call_id, dialled=call.dialled, caller=call.caller, transport=call.transport,
            headers=call.headers,
        )  # fmt: skip
        if self.mode == "refuse" or (self.cap and len(self.talks) >= self.cap):
            await call.line.hang_up()
            return
        self.talks.append(Talk(call.call_id, call.line, self.mode))
        if self.mode == "ring":
            return
        try:
            await call.line.answer()
        except TrunklineError as error:
            say("unanswered", call=call.call_id, error=str(error))
            return
        say("answered", call=call.call_id)

    async def dial(self, command: dict[str, Any]) -> None:
        trunk = Trunk(**command["trunk"]) if command.get("trunk") else None
        try:
            line = await self.engine.dial(command["target"], trunk, {}, command.get("ring_timeout", 20.0))
        except DialFailed as error:
            say(
                "dial_failed",
                target=command["target"],
                outcome=error.outcome,
                code=error.code,
                error=str(error),
            )
        except BadInput as error:
            say("bad_input", target=command["target"], error=str(error))
        else:
            self.talks.append(Talk(line.call_id, line, self.mode))
            say("dialled", call=line.call_id)

    async def refer(self, line: Line, command: dict[str, Any]) -> None:
        say("referred", **asdict(await line.refer(command["target"], command["seconds"])))

    def beat(self) -> None:
        due = time.monotonic()
        while not self.done.wait(max(0.0, due - time.monotonic())):
            due += BEAT
            for talk in list(self.talks):
                talk.beat()
                if talk.closed:
                    self.talks.remove(talk)

    async def obey(self, command: dict[str, Any]) -> None:
        match command["do"]:
            case "dial":
                self.dials.add(asyncio.create_task(self.dial(command)))
            case "cancel":
                for task in self.dials:
                    task.cancel()
            case "digits":
                for talk in self.talks:
                    await talk.line.send_digits(command["digits"])
            case "refer":
                for talk in self.talks:
                    self.dials.add(asyncio.create_task(self.refer(talk.line, command)))
            case "say":
                for talk in self.talks:
                    talk.say(command["frames"])
            case "report":
                say(
                    "report",
                    talks=[
                        {"call": talk.name, "loud": talk.loud, "heard": talk.heard, "rate": talk.line.rate}
                        for talk in self.talks
                    ],
                )
            case "hold" | "resume" as verb:
                for talk in self.talks:
                    await (talk.line.hold() if verb == "hold" else talk.line.resume())
                say("done", verb=verb)
            case "hang_up":
                for talk in list(self.talks):
                    await talk.line.hang_up()

    async def run(self) -> None:
        await self.engine.start(self.incoming)
        thread = threading.Thread(target=self.beat)
        thread.start()
        say("ready")
        reader = asyncio.StreamReader()
        loop = asyncio.get_running_loop()
        await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
        while (line := await reader.readline()) and (command := json.loads(line))["do"] != "stop":
            await self.obey(command)
        await asyncio.gather(*self.dials, return_exceptions=True)
        await self.engine.stop()
        await asyncio.sleep(2 * BEAT)
        self.done.set()
        thread.join()
        say("stopped")


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--rtp", required=True)
    parser.add_argument("--mode", choices=["echo", "tone", "listen", "ring", "refuse"], default="echo")
    parser.add_argument("--cap", type=int, default=0, help="calls taken at once; 0: all")
    parser.add_argument("--rtp-timeout", type=int, default=30)
    parser.add_argument("--codecs", default=",".join(CODECS))
    parser.add_argument("--certificate", nargs=2, metavar=("CHAIN", "KEY"))
    structlog.configure(logger_factory=structlog.PrintLoggerFactory(sys.stderr))
    asyncio.run(Answerer(parser.parse_args()).run())


if __name__ == "__main__":
    main()
