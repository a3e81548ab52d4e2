"""What comes into a conversation and what it asks of the world: plain data, nothing that acts.

`Event`s are fed to a session, `Request`s come out of it. Sound is mono signed 16-bit little-endian PCM at the
line's rate. Time is the call's own clock: ticks of 20 ms, or milliseconds since the line was up where a name
ends in `_ms`. Identifiers (segment, pause, reply, sentence) count up from 1 within a call.
"""

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

TICK_MS = 20


# ---- into the session ----------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Words:
    """What was heard in a segment so far (`final` False) or altogether (True). Answers AskWords, FinishHearing."""

    segment: int
    text: str
    final: bool


@dataclass(frozen=True, slots=True)
class HearingFailed:
    """The speech-to-text of a segment gave up; the session goes on as if no words came."""

    segment: int
    reason: str


@dataclass(frozen=True, slots=True)
class TurnVerdict:
    """The turn model's answer to JudgeTurn: probability that the turn is complete; None if it failed."""

    pause: int
    probability: float | None


@dataclass(frozen=True, slots=True)
class ReplyText:
    """A piece of the model's reply, as it streams."""

    reply: int
    text: str


@dataclass(frozen=True, slots=True)
class ReplyTool:
    """The model wants a tool; `arguments` is parsed JSON."""

    reply: int
    call: str
    name: str
    arguments: dict[str, Any]


@dataclass(frozen=True, slots=True)
class ReplyDone:
    """The model's reply is whole. `model` is the name that really answered."""

    reply: int
    model: str = ""


@dataclass(frozen=True, slots=True)
class ReplyFailed:
    """The model failed or ran out of time."""

    reply: int
    reason: str


@dataclass(frozen=True, slots=True)
class ToolResult:
    """A tool's outcome; `result` is what the model reads next."""

    call: str
    result: str
    ok: bool = True
    error: str = ""
    """What went wrong, for the record; "" where `result` says it."""
    variables: dict[str, str] = field(default_factory=dict)
    """What holes are filled with from now on."""
    wrote: str = ""
    """What the caller wrote meanwhile, by a message; "" for nothing."""
    failure: str = ""
    """Said in place of what the tool's manner has for a failure; "" for that."""


@dataclass(frozen=True, slots=True)
class SpeechAudio:
    """Sound of a sentence, in order. `last` closes the sentence (its `pcm` may be empty)."""

    sentence: int
    pcm: bytes
    last: bool


@dataclass(frozen=True, slots=True)
class SpeechFailed:
    """The text-to-speech of a sentence gave up."""

    sentence: int
    reason: str


@dataclass(frozen=True, slots=True)
class Flushed:
    """The line has dropped this many samples that were handed to it and not yet sent. Answers Flush."""

    samples: int


@dataclass(frozen=True, slots=True)
class Digit:
    """A key was pressed: 0-9, A-D, * or #."""

    digit: str


@dataclass(frozen=True, slots=True)
class Held:
    """The other side put us on hold (SIP: a re-INVITE with sendonly or inactive): no word, no idle time until Resumed."""


@dataclass(frozen=True, slots=True)
class Resumed:
    """The other side took us off hold."""


@dataclass(frozen=True, slots=True)
class AudioRestarted:
    """The streams were renegotiated; what was queued is lost: `samples` of it."""

    samples: int


class ClosedBy(StrEnum):
    """Who ended the line."""

    REMOTE = "remote"
    LOCAL = "local"
    FAULT = "fault"
    TRANSFER = "transfer"
    """The other side talks to the one now to whom we sent it."""


@dataclass(frozen=True, slots=True)
class LineClosed:
    """The line is gone. `code` is the SIP status where there was one."""

    by: ClosedBy
    reason: str = ""
    code: int | None = None


@dataclass(frozen=True, slots=True)
class HangUp:
    """Control: end the call now, for this reason (an EndReason value or free text)."""

    reason: str


@dataclass(frozen=True, slots=True)
class Say:
    """Control: speak this text now, as the agent."""

    text: str


@dataclass(frozen=True, slots=True)
class Whisper:
    """Control: a note that only the agent's model reads, from the next reply on."""

    text: str
    reply: bool = False
    """Let the agent speak on it at once if nobody has the floor."""


@dataclass(frozen=True, slots=True)
class StepAside:
    """Control: leave the caller to others as soon as what is being said is said; a note tells when."""


@dataclass(frozen=True, slots=True)
class ComeBack:
    """Control: the caller is the agent's again."""


LineEvent = Flushed | Digit | Held | Resumed | AudioRestarted | LineClosed
Event = (
    Words
    | HearingFailed
    | TurnVerdict
    | ReplyText
    | ReplyTool
    | ReplyDone
    | ReplyFailed
    | ToolResult
    | SpeechAudio
    | SpeechFailed
    | LineEvent
    | HangUp
    | Say
    | Whisper
    | StepAside
    | ComeBack
)


# ---- out of the session --------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class StartHearing:
    """Open a speech-to-text stream for a segment; `pcm` is what was heard just before it was noticed."""

    segment: int
    pcm: bytes


@dataclass(frozen=True, slots=True)
class Hear:
    """More sound of an open segment."""

    segment: int
    pcm: bytes


@dataclass(frozen=True, slots=True)
class AskWords:
    """Give what you have so far (a Words with final False) now; for an STT without partials of its own."""

    segment: int


@dataclass(frozen=True, slots=True)
class FinishHearing:
    """The segment is over; answer with its final Words (or HearingFailed)."""

    segment: int


@dataclass(frozen=True, slots=True)
class DropHearing:
    """The segment was a noise; nothing more is wanted of it."""

    segment: int


@dataclass(frozen=True, slots=True)
class JudgeTurn:
    """Is the turn complete? `pcm`: the last 8 s (or less) heard, at the line's rate, pause included."""

    pause: int
    pcm: bytes


@dataclass(frozen=True, slots=True)
class StartReply:
    """Ask the language model. `messages` are in the chat-completions shape, system prompt first."""

    reply: int
    messages: tuple[dict[str, Any], ...]
    tools: tuple[Any, ...] = ()
    """`profile.Tool`s on offer."""
    speculative: bool = False


@dataclass(frozen=True, slots=True)
class CancelReply:
    """The reply is not wanted any more; nothing of it may come back."""

    reply: int


@dataclass(frozen=True, slots=True)
class Speak:
    """Turn a sentence into sound."""

    sentence: int
    text: str


@dataclass(frozen=True, slots=True)
class CancelSpeech:
    """The sentence is not wanted any more."""

    sentence: int


@dataclass(frozen=True, slots=True)
class RunTool:
    """Run a tool; it is never cancelled by speech, only by CancelTool. Answer with ToolResult."""

    call: str
    name: str
    arguments: dict[str, Any]


@dataclass(frozen=True, slots=True)
class CancelTool:
    """The tool took too long: nothing of it may come back."""

    call: str


@dataclass(frozen=True, slots=True)
class Flush:
    """Drop what the line has queued and report Flushed."""


@dataclass(frozen=True, slots=True)
class SendDigits:
    """Press keys: 0-9, A-D, * and #. Nothing answers."""

    digits: str


@dataclass(frozen=True, slots=True)
class CloseLine:
    """Hang up. The host answers with LineClosed when the line is gone."""

    reason: str


@dataclass(frozen=True, slots=True)
class Note:
    """One entry of the call's append-only list: what happened, when, in the call's clock."""

    at_ms: int
    kind: str
    data: dict[str, Any] = field(default_factory=dict)


Request = (
    StartHearing
    | Hear
    | AskWords
    | FinishHearing
    | DropHearing
    | JudgeTurn
    | StartReply
    | CancelReply
    | Speak
    | CancelSpeech
    | RunTool
    | CancelTool
    | Flush
    | SendDigits
    | CloseLine
    | Note
)


class EndReason(StrEnum):
    """Why a conversation ended; the first that is set stays. `calls` renders them to the wire's words."""

    HUMAN_ENDED = "human_ended"
    AGENT_ENDED = "agent_ended"
    CUSTOM = "custom_end_call"
    """The agent ended it for a reason of its own (`profile.EndCondition`), which is the detail."""
    MAX_DURATION = "max_duration"
    IDLE = "idle"
    USER_CANCELED = "user_canceled"
    ERROR = "error"
    LINE_LOST = "line_lost"
    TRANSFERRED = "transferred"
    VOICEMAIL = "voicemail"
    """A machine answered; it was left nothing."""
    VOICEMAIL_LEFT = "voicemail_left"
    """A machine answered and has our whole message."""
    VOICEMAIL_CUT_OFF = "voicemail_cut_off"
    """A machine answered and hung up before it had our whole message."""


class Kind(StrEnum):
    """Kinds of Note, and what their `data` holds."""

    STARTED = "started"  # {}
    CALLER_SPEAKS = "caller_speaks"  # {segment}
    CALLER_SAID = "caller_said"  # {text, segments, start_ms, end_ms}: one turn of the caller
    CALLER_WROTE = "caller_wrote"  # {text}: by a message, while a tool waited for it
    AGENT_SAID = "agent_said"  # {text, reply, start_ms, end_ms, cut}: what was heard of one reply
    TURN = "turn"  # the ledger of a turn: {turn, filler, t0_ms, pause_ms, words_ms, verdict_ms,
    #                                      commit_ms, token_ms, sentence_ms, audio_ms, sent_ms, queue_ms, line_ms, heard_gap_ms, stages}
    BARGE_IN = "barge_in"  # {outcome: "yield" | "resume", words, paused_ms}
    NOISE = "noise"  # {segment}
    TOOL_STARTED = "tool_started"  # {call, name, arguments}, and what the tool's `record` says
    TOOL_FINISHED = "tool_finished"  # {call, name, result, ok, error}
    DIGIT = "digit"  # {digit}
    DIGITS_SENT = "digits_sent"  # {digits}
    HELD = "held"  # {}
    RESUMED = "resumed"  # {}
    STEPPED_ASIDE = "stepped_aside"  # {}: the caller waits for somebody else
    CAME_BACK = "came_back"  # {}
    IDLE_REMINDER = "idle_reminder"  # {}
    CONSENT = "consent"  # {given}: may the call be recorded?
    VOICEMAIL = "voicemail"  # {signs}: a machine answered
    VOICEMAIL_MESSAGE = "voicemail_message"  # {beep}: our message begins, after a beep or without one
    SAY = "say"  # {text}: control asked for it; when it was heard, agent_said tells
    WHISPER = "whisper"  # {text}: control told the model
    TRANSFER_STARTED = "transfer_started"  # {target}, or of an action {action}
    TRANSFER_FINISHED = "transfer_finished"  # {target, ok, reason, code}, or of an action {action, value}
    BRIDGE_ENDED = (
        "bridge_ended"  # {left, talked_ms}: who were joined parted; left: "caller", "human" or "host"
    )
    FAULT = "fault"  # {part, reason}
    MODEL = "model"  # {model}: the name that really answered
    ENDED = "ended"  # {reason, detail}
    LINE = "line"  # {packets_received, packets_sent, packets_lost, jitter_ms, round_trip_ms}: the line, once it closed
