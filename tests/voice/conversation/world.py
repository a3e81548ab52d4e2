"""A world for a session without clock or provider: it answers requests after set numbers of ticks."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from trunkline.voice.conversation.events import (
    AskWords,
    CancelReply,
    CancelSpeech,
    CancelTool,
    ClosedBy,
    CloseLine,
    DropHearing,
    Event,
    FinishHearing,
    Flush,
    Flushed,
    Hear,
    JudgeTurn,
    LineClosed,
    Note,
    ReplyDone,
    ReplyText,
    ReplyTool,
    Request,
    RunTool,
    Speak,
    SpeechAudio,
    StartHearing,
    StartReply,
    ToolResult,
    TurnVerdict,
    Words,
)
from trunkline.voice.conversation.session import Session, State

RATE = 8000
FRAME = 320
SILENCE = bytes(FRAME)
_LETTER_BYTES = 65 * RATE // 1000 * 2


def _tone(amplitude: int, hertz: int = 200) -> bytes:
    t = np.arange(FRAME // 2)
    return (amplitude * np.sin(2 * np.pi * hertz * t / RATE)).astype("<i2").tobytes()


VOICE = _tone(4000)
BEEP = _tone(6000, 1000)


@dataclass
class Utterance:
    """The caller speaks from a tick to a tick."""

    start: int
    end: int
    text: str
    sound: bytes = field(default=VOICE, repr=False)


@dataclass
class Delays:
    """Ticks until a provider answers."""

    words: int = 5
    verdict: int = 2
    token: int = 10
    sound: int = 2
    tool: int = 20
    flush: int = 1


Answer = Callable[[StartReply], list[Any]]


def echo_back(request: StartReply) -> list[Any]:
    """A reply of one sentence that names what it answers."""
    return [f"You said {request.messages[-1]['content']}."]


@dataclass
class World:
    """Runs one session."""

    session: Session
    utterances: list[Utterance] = field(default_factory=list)
    delays: Delays = field(default_factory=Delays)
    answer: Answer = echo_back
    verdict: float | None = 0.99
    tool_result: str = "done"
    now: int = 0
    queued: int = 0
    notes: list[Note] = field(default_factory=list)
    requests: list[Request] = field(default_factory=list)
    heard: bytearray = field(default_factory=bytearray)
    states: list[State] = field(default_factory=list)
    sent: list[tuple[int, bytes]] = field(default_factory=list)
    fed: list[Event] = field(default_factory=list)
    _due: list[tuple[int, int, Event]] = field(default_factory=list)
    _order: int = 0
    _line: bytearray = field(default_factory=bytearray)
    _cancelled: set[int] = field(default_factory=set)
    _unspoken: set[int] = field(default_factory=set)
    _opened: dict[int, int] = field(default_factory=dict)

    def run(self, ticks: int) -> "World":
        """Let time pass; stops when the session has ended."""
        for _ in range(ticks):
            if self.session.ended:
                break
            self.step()
        return self

    def step(self) -> None:
        """One tick."""
        self.now += 1
        now = [one for one in self.utterances if one.start <= self.now < one.end]
        out, self._line = bytes(self._line[:FRAME]), self._line[FRAME:]
        self.heard += out.ljust(FRAME, b"\0")
        sound, requests = self.session.tick(
            now[0].sound if now else SILENCE, 0.95 if now else 0.02, len(self._line) // 2
        )
        self._line += sound
        if sound:
            self.sent.append((self.now, sound))
        self._take(requests)
        for item in sorted(self._due, key=lambda item: (item[0], item[1])):
            if item[0] <= self.now:
                self._due.remove(item)
                self.feed(item[2])
        self.states.append(self.session.state)

    def feed(self, event: Event) -> None:
        """Something happens now."""
        match event:
            case ReplyText(reply) | ReplyDone(reply) | ReplyTool(reply) if reply in self._cancelled:
                return
            case SpeechAudio(sentence) if sentence in self._unspoken:
                return
            case _:
                self.fed.append(event)
                self._take(self.session.feed(event))

    def later(self, ticks: int, event: Event) -> None:
        """Feed an event some ticks from now."""
        self._order += 1
        self._due.append((self.now + ticks, self._order, event))

    def _take(self, requests: list[Request]) -> None:
        for request in requests:
            self.requests.append(request)
            self._do(request)

    def _do(self, request: Request) -> None:
        match request:
            case Note():
                self.notes.append(request)
            case StartHearing(segment, pcm):
                self._opened[segment] = self.now - len(pcm) // FRAME
            case AskWords(segment):
                self.later(self.delays.words, Words(segment, self._words(segment), final=False))
            case FinishHearing(segment):
                self.later(self.delays.words, Words(segment, self._words(segment), final=True))
            case JudgeTurn(pause, _):
                self.later(self.delays.verdict, TurnVerdict(pause, self.verdict))
            case StartReply():
                self._reply(request)
            case CancelReply(reply):
                self._cancelled.add(reply)
            case Speak(sentence, text):
                pcm = _tone(8000, 300) * max(1, len(text) * _LETTER_BYTES // FRAME)
                self.later(self.delays.sound, SpeechAudio(sentence, pcm, last=True))
            case CancelSpeech(sentence):
                self._unspoken.add(sentence)
            case CancelTool(call):
                self._due = [due for due in self._due if due[2] != ToolResult(call, self.tool_result)]
            case RunTool(call, _, _):
                self.later(self.delays.tool, ToolResult(call, self.tool_result))
            case Flush():
                dropped, self._line = len(self._line) // 2, bytearray()
                self.later(self.delays.flush, Flushed(dropped))
            case CloseLine():
                self.later(1, LineClosed(ClosedBy.LOCAL))
            case Hear() | DropHearing():
                pass

    def _reply(self, request: StartReply) -> None:
        at = self.delays.token
        for part in self.answer(request):
            event = part(request.reply) if callable(part) else ReplyText(request.reply, part)
            self.later(at, event)
            at += 1
        self.later(at, ReplyDone(request.reply, "scripted"))

    def _words(self, segment: int) -> str:
        """Utterances that overlap the segment, up to now."""
        since = self._opened[segment]
        said = [one.text for one in self.utterances if one.start < self.now and one.end > since]
        return " ".join(said)

    # ---- reading ----

    def said(self, kind: str) -> list[dict[str, Any]]:
        """Data of the notes of a kind."""
        return [note.data for note in self.notes if note.kind == kind]

    def notes_of(self, kind: str) -> list[Note]:
        """The notes of a kind."""
        return [note for note in self.notes if note.kind == kind]

    @property
    def transcript(self) -> list[str]:
        """Lines in the order of the record."""
        names = {"caller_said": "human", "agent_said": "bot"}
        return [f"{names[note.kind]}: {note.data['text']}" for note in self.notes if note.kind in names]
