"""The agent's side of a session: replies of the model, their sentences as sound, tools, what was heard of it all."""

from trunkline.voice.conversation import ending
from trunkline.voice.conversation.dialogue import Dialogue, Message
from trunkline.voice.conversation.events import (
    CancelReply,
    Kind,
    ReplyDone,
    ReplyFailed,
    ReplyText,
    ReplyTool,
    SendDigits,
    SpeechAudio,
    SpeechFailed,
    StartReply,
    ToolResult,
)
from trunkline.voice.conversation.mouth import Mouth
from trunkline.voice.conversation.outbox import Outbox
from trunkline.voice.conversation.profile import END_CALL, SEND_DIGITS, ClosingMode, Tool, ToolManner
from trunkline.voice.conversation.replies import Reply
from trunkline.voice.conversation.toolbox import Toolbox

_MAX_ROUNDS = 5
"""Replies in a turn: each round of tools asks the model again."""
_STILL_RUNS = (
    "What you have called still runs. Tell the caller so in one short sentence; you were told to say:"
)
_KEYS = frozenset("0123456789ABCD*#")


class Agent:
    """What the agent does."""

    def __init__(self, outbox: Outbox, rate: int, dialogue: Dialogue) -> None:
        self._out = outbox
        self._dialogue = dialogue
        self._mouth = Mouth(outbox, rate, dialogue)
        self.playout = self._mouth.playout
        self.reply: Reply | None = None
        """The reply at work: asked for, or not yet heard to its end."""
        self.closing = False
        """The agent takes its leave: once all is said, the call ends …"""
        self.end_reason = ""
        """… for this reason of its own, if it is one."""
        self._fillers = 0
        self._filled = False
        """One was said in this turn."""
        self._tools = Toolbox(outbox, {tool.name: tool for tool in dialogue.profile.tools})
        self._owed = False
        """Something came of a tool, and the model was not asked since."""
        self._replies = 0
        self._digits = ""
        """Keys to be pressed when all is said."""
        self._rounds = 0
        self._failures = 0

    # ---- beginning to say something ----

    def answer(
        self,
        messages: tuple[Message, ...],
        words: str,
        committed: bool,
        tools: tuple[Tool, ...] | None = None,
    ) -> Reply:
        """Ask the model for a reply to the caller's `words`; `tools` None: with all of the agent's."""
        if committed:
            self._new_turn()
        return self._ask(messages, words, committed, tools)

    def _new_turn(self) -> None:
        self._tools.new_turn()
        self._rounds = 0
        self._filled = False

    def _ask(
        self,
        messages: tuple[Message, ...],
        words: str,
        committed: bool,
        tools: tuple[Tool, ...] | None = None,
    ) -> Reply:
        self._replies += 1
        self.reply = Reply(self._replies, words, committed)
        offered = self._dialogue.tools if tools is None else tools
        self._out.ask(StartReply(self._replies, messages, offered, speculative=not committed))
        return self.reply

    def say(self, text: str, held: bool = False) -> None:
        """Speak our own words after what is being said; `held`: once they are committed."""
        reply = self._say(text, held)
        # One that waits for its tools stays: it goes on with what they give.
        if self.reply is None or (self.reply.done and not self.waits_for_tool):
            self.reply = reply

    def _say(self, text: str, held: bool = False) -> Reply:
        self._replies += 1
        reply = Reply(self._replies, committed=not held, scripted=True, done=True)
        self._mouth.speak_all(reply, text)
        return reply

    def greet(self) -> None:
        """Let the model write the greeting; `apologise` falls back to a fixed one."""
        self.answer(self._dialogue.messages(), "", committed=True).greets = True

    def fill_in(self) -> None:
        """Say that an answer is on its way, once a turn, if the agent does so."""
        fillers = self._dialogue.profile.fillers
        if not fillers or self._filled or self.playout.waiting:
            return
        self._filled = True
        self._say(fillers[self._fillers % len(fillers)])
        self._fillers += 1

    def commit(self) -> None:
        """The turn is ours: the sound that was held may go out, the tools may run."""
        assert self.reply is not None
        self._new_turn()
        self.reply.committed = True
        for sentence in self.reply.sentences:
            self.playout.enqueue(sentence)
        if self.reply.done:
            self._done(self.reply)

    # ---- what comes back ----

    def text(self, event: ReplyText) -> None:
        """More of the model's words."""
        if (reply := self._current(event.reply)) is None:
            return
        if reply.token_ms is None:
            reply.token_ms = self._out.now_ms
        for sentence in reply.push(event.text):
            self._mouth.speak(reply, sentence)

    def tool(self, event: ReplyTool) -> None:
        """The model wants a tool; it runs once the reply is whole and the turn is ours."""
        if (reply := self._current(event.reply)) is not None:
            reply.tools.append(event)

    def wants_tools(self, reply_id: int) -> bool:
        """Will a committed reply, once whole, run tools? Then the turn that it answers is surely over."""
        reply = self._current(reply_id)
        return reply is not None and reply.committed and bool(reply.tools)

    def done(self, event: ReplyDone) -> None:
        """The model's reply is whole."""
        if (reply := self._current(event.reply)) is None:
            return
        for sentence in reply.finish():
            self._mouth.speak(reply, sentence)
        if event.model:
            self._out.note(Kind.MODEL, model=event.model)
        if reply.committed:
            self._done(reply)

    def failed(self, event: ReplyFailed) -> None:
        """The model gave up. A reply on speculation is simply forgotten."""
        if (reply := self._current(event.reply)) is None:
            return
        self._out.note(Kind.FAULT, part="language_model", reason=event.reason)
        if not reply.committed:
            self.drop()
            return
        for sentence in reply.finish():
            self._mouth.speak(reply, sentence)
        reply.tools.clear()
        if reply.aside:
            self._go_on()
        elif not reply.sentences:
            self.apologise()

    def apologise(self) -> None:
        """The model failed and nothing was said: say so; at the second time in a row take leave.

        Its greeting and its closing have fixed ones to fall back to.
        """
        profile = self._dialogue.profile
        greets = self.reply is not None and self.reply.greets
        self._mouth.record_heard(unsaid=False)
        self.drop()
        if self.closing or greets:
            self.say(profile.closing if self.closing else profile.greeting or profile.hello)
            return
        self._failures += 1
        if self._failures == 1:
            self.say(profile.apology)
        else:
            self.closing = True
            self.say(profile.farewell_on_fault)

    @property
    def gave_up(self) -> bool:
        """Has the model or the voice failed for good?"""
        return self._failures > 1 or self._mouth.failed

    def _current(self, reply_id: int) -> Reply | None:
        return (
            self.reply
            if self.reply is not None and self.reply.id == reply_id and not self.reply.done
            else None
        )

    def _done(self, reply: Reply) -> None:
        """A committed reply is whole: run its tools, or see that something was said."""
        # Whoever is asked for last words has nothing left to do.
        wanted, reply.tools = ([] if self.closing else reply.tools), []
        repeats = 0
        for tool in wanted:
            if tool.name == END_CALL.name:
                self._take_leave(reply, tool)
            elif tool.name == SEND_DIGITS.name and self._dialogue.profile.can_send_digits:
                self._press(tool)
            else:
                repeats += not self._run(tool)
        if reply.aside:
            self._go_on()
        elif wanted and repeats == len(wanted) and not reply.sentences and not self._tools.running:
            # It has what it asks for: let it say something.
            self._ask(self._dialogue.messages(), reply.words, committed=True, tools=())
        elif reply.sentences or wanted:
            self._failures = 0
        elif not reply.scripted:
            self.apologise()

    def _take_leave(self, reply: Reply, tool: ReplyTool) -> None:
        """The model ends the call: say the closing that belongs to its reason."""
        profile = self._dialogue.profile
        condition = ending.named(tool.arguments, profile.end_conditions)
        self.closing = True
        self.end_reason = condition.reason if condition else ""
        match condition.closing_mode if condition else None:
            case ClosingMode.STATIC if condition and condition.closing_message:
                self._mouth.speak_all(reply, condition.closing_message)
            case ClosingMode.PROMPT if condition and condition.closing_message:
                note = ending.closing_note(condition, " ".join(each.text for each in reply.sentences))
                asked: Message = {"role": "system", "content": note}
                self._ask((*self._dialogue.messages(), asked), reply.words, committed=True)
            case ClosingMode.NONE:
                pass
            case _ if not reply.sentences and not self.playout.waiting:
                self._mouth.speak(reply, profile.closing)
            case _:
                pass

    def _press(self, tool: ReplyTool) -> None:
        """Keys for the other side: it speaks next, so the model is not asked again."""
        digits = "".join(key for key in str(tool.arguments.get("digits", "")).upper() if key in _KEYS)
        self._dialogue.tool_called(tool.call, tool.name, tool.arguments)
        self._dialogue.tool_answered(tool.call, f"pressed {digits}" if digits else "There was no key in it.")
        self._digits += digits

    def _send_digits(self) -> None:
        """After our words: a key in the middle of them would cut a piece out of them."""
        digits, self._digits = self._digits, ""
        if digits:
            self._out.ask(SendDigits(digits))
            self._out.note(Kind.DIGITS_SENT, digits=digits)

    def _run(self, wanted: ReplyTool) -> bool:
        """Run a tool; False: it ran in this turn already."""
        if (running := self._tools.start(wanted)) is None:
            return False
        tool, manner = running.tool, running.manner
        self._dialogue.tool_called(tool.call, tool.name, tool.arguments)
        self._filled = self._filled or bool(manner.start or manner.delay)
        if manner.start and not manner.natural:
            self._say(manner.start)
        return True

    def watch_tools(self, ours: bool) -> bool:
        """Give up a tool that takes too long, or say that one takes its time; was one given up?

        `ours`: we have the floor, so that something may be said.
        """
        given_up = self._tools.give_up()
        for outcome in given_up:
            self.tool_answered(outcome)
        reply = self.reply
        if ours and reply is not None and reply.done and self.playout.idle and (slow := self._tools.late()):
            if slow.manner.natural:
                self._ask_aside(slow.manner.delay, reply.words)
            else:
                self._say(slow.manner.delay)
        return bool(given_up)

    def _ask_aside(self, what: str, words: str) -> None:
        """Let the model say something in between, in words of its own."""
        note: Message = {"role": "system", "content": f"{_STILL_RUNS} {what}"}
        self._ask((*self._dialogue.messages(), note), words, committed=True, tools=()).aside = True

    def tool_answered(self, event: ToolResult) -> None:
        """A tool's outcome: the model goes on with it, unless the caller has the floor by now."""
        if (ran := self._tools.finish(event)) is None:
            return
        ours = self.reply is not None and self.reply.committed and not self.reply.scripted
        said = "" if event.ok else self._tell_failure(event.failure or ran.manner.failure, ran.manner, ours)
        self._dialogue.tool_answered(event.call, event.result + said)
        self._dialogue.learned(event.variables)
        self._owed = self._owed or ours
        self._go_on()

    def _tell_failure(self, words: str, manner: ToolManner, ours: bool) -> str:
        """Say that a tool failed, where we have the floor; what the model is told of it."""
        if not words:
            return ""
        if manner.natural:
            return f" [Tell the caller, in your own words: {words}]"
        if not ours:
            return ""
        self._say(words)
        return f" [You have just told the caller: {words}]"

    def _go_on(self) -> None:
        """Ask the model what follows from what tools gave, once all of it is there."""
        reply = self.reply
        if not self._owed or reply is None or not reply.done or self._tools.running:
            return
        self._owed = False
        self._rounds += 1
        if self._rounds < _MAX_ROUNDS:
            # The last time there is nothing left but to say something.
            tools = () if self._rounds == _MAX_ROUNDS - 1 else None
            self._ask(self._dialogue.messages(), reply.words, committed=True, tools=tools)

    @property
    def waits_for_tool(self) -> bool:
        return bool(self._tools.running)

    @property
    def tool_sound(self) -> str:
        """What is heard of a tool at work; "" for nothing."""
        return self._tools.sound

    def sound(self, event: SpeechAudio) -> None:
        """Sound of a sentence."""
        self._mouth.sound(event, self.reply)

    def speech_failed(self, event: SpeechFailed) -> None:
        """A sentence cannot be spoken."""
        self._mouth.speech_failed(event)

    # ---- how it stands ----

    @property
    def busy(self) -> bool:
        """Is there something to be said, now or soon?"""
        if self.reply is None:
            return False
        return not self.reply.done or self.waits_for_tool or not self.playout.idle

    @property
    def stalled(self) -> bool:
        """Something was said, and what comes next is not there yet."""
        return self.reply is not None and self.busy and self.playout.idle

    # ---- the end of a reply ----

    def drop(self) -> None:
        """Nothing more of the reply is wanted: cancel what is under way."""
        if self.reply is not None and not self.reply.done:
            self._out.ask(CancelReply(self.reply.id))
        self._mouth.drop()
        self._forget()

    def _forget(self) -> None:
        self.reply = None
        self._owed = False

    def cut(self) -> None:
        """The caller has the floor: keep what was heard, forget the rest."""
        self._mouth.record_heard(
            unsaid=self.playout.waiting or (self.reply is not None and not self.reply.done)
        )
        self._send_digits()
        self.closing = False
        self.end_reason = ""
        self.drop()

    def finish(self) -> None:
        """All was said and heard."""
        self._mouth.record_heard(unsaid=False)
        self._send_digits()
        self._mouth.forget()
        self._forget()
