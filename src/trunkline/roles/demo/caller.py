"""The demo's caller: a SIP user agent in a process of its own, with a voice and a script.

    python -m trunkline.roles.demo.caller <sip URI> <port of its own>

Prints a JSON line for each thing that happens, with `at` in milliseconds since it dialled:

    {"event": "answered"}                 the call is up
    {"event": "greeted"}                  the agent has finished its greeting
    {"event": "said", "turn", "text", "last_voiced": ms}
    {"event": "silenced", "turn", "after_ms"}     the agent fell silent, counted from our first frame
    {"event": "heard", "turn", "gap_ms"}  the agent began, counted from our last voiced frame
    {"event": "unanswered", "turn"}       it did not within 30 s
    {"event": "hung_up", "by"}
    {"event": "failed", "reason"}         the call was not answered; exit status 1
"""

import asyncio
import json
import sys
import time
from concurrent.futures import ThreadPoolExecutor

import structlog

from trunkline.errors import TrunklineError
from trunkline.roles.demo import script
from trunkline.roles.demo.ear import trimmed
from trunkline.roles.demo.phone import Phone
from trunkline.voice.lines.line import IncomingCall, Line, Trunk
from trunkline.voice.lines.sip import SipEngine
from trunkline.voice.speech.hibari import LocalVoice
from trunkline.voice.speech.ports import TextToSpeech, Voice
from trunkline.voice.speech.resample import resample

SETTLE = 1.4
"""Seconds of silence after which the agent has finished; longer than a pause between its sentences."""
PATIENCE = 30.0
INTERRUPT_AFTER = 1.2
"""Seconds of the agent's speech that are let pass before it is interrupted."""


class Report:
    """Tells the director, by lines on standard output."""

    def __init__(self) -> None:
        self._start = time.monotonic()

    def ms(self, moment: float) -> int:
        """A moment of the monotonic clock on the report's."""
        return round((moment - self._start) * 1000)

    def __call__(self, event: str, **details: object) -> None:
        line = {"event": event, "at": self.ms(time.monotonic()), **details}
        sys.stdout.write(json.dumps(line) + "\n")
        sys.stdout.flush()


async def converse(phone: Phone, lines: list[bytes], report: Report) -> None:
    """Say the script, each turn when the agent has finished (or, to interrupt, while it speaks)."""
    finished = await phone.quiet_for(SETTLE, since=0.0, within=PATIENCE)
    report("greeted" if finished is not None else "unanswered")
    last_sent = 0.0
    for number, (turn, pcm) in enumerate(zip(script.SCRIPT, lines, strict=True), start=1):
        if turn.interrupts:
            await phone.voice_for(INTERRUPT_AFTER, since=last_sent, within=PATIENCE)
        elif number > 1:
            await phone.quiet_for(SETTLE, since=last_sent, within=PATIENCE)
        if phone.closed.is_set():
            return
        first_sent, last_sent = await phone.say(pcm)
        report("said", turn=number, text=turn.say, last_voiced=report.ms(last_sent))
        if turn.interrupts:
            silent_at = phone.ear.last_before(last_sent) or first_sent
            report("silenced", turn=number, after_ms=round((silent_at - first_sent) * 1000))
        began = await phone.voice_after(last_sent, within=PATIENCE)
        if began is None:
            report("unanswered", turn=number)
        else:
            report("heard", turn=number, gap_ms=round((began - last_sent) * 1000))
    await phone.quiet_for(SETTLE, since=last_sent, within=PATIENCE)


async def speech(text: str, tts: TextToSpeech) -> bytes:
    """The sound of a text, at the voice's own rate."""
    return b"".join([piece async for piece in tts.speak(text, Voice())])


async def _refuse(call: IncomingCall) -> None:
    await call.line.hang_up()


async def call(target: str, port: int, report: Report) -> int:
    """Dial, talk, hang up; the exit status."""
    with ThreadPoolExecutor(1) as pool:
        tts = LocalVoice(pool)
        spoken = [await speech(turn.say, tts) for turn in script.SCRIPT]
    # No jitter buffer: what it adds to what we hear is ours, not the platform's.
    engine = SipEngine(bind="127.0.0.1", port=port, jitter_ms=(0, 0))
    await engine.start(_refuse)
    try:
        trunk = Trunk(host=target.rpartition("@")[2], caller_id=script.CALLER)
        line: Line = await engine.dial(target, trunk, {}, ring_timeout=30.0)
        report("answered")
        lines = [trimmed(resample(sound, tts.rate, line.rate), line.rate) for sound in spoken]
        async with Phone(line) as phone:
            await converse(phone, lines, report)
            by = "agent" if phone.closed.is_set() else "caller"
            await line.hang_up()
        report("hung_up", by=by)
    finally:
        await engine.stop()
    return 0


def main() -> int:
    """Run one call from the command line."""
    target, port = sys.argv[1:]
    structlog.configure(
        logger_factory=structlog.PrintLoggerFactory(sys.stderr)
    )  # standard output is the report's
    report = Report()
    try:
        return asyncio.run(call(target, int(port), report))
    except TrunklineError as error:
        report("failed", reason=str(error))
        return 1


if __name__ == "__main__":
    sys.exit(main())
