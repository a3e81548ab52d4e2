"""Has a machine answered? Then nobody has the floor any more: it is hung up on, or left its message."""

from collections.abc import Callable

from trunkline.voice.conversation.agent import Agent
from trunkline.voice.conversation.caller import Caller
from trunkline.voice.conversation.dialogue import Dialogue
from trunkline.voice.conversation.events import EndReason, Kind
from trunkline.voice.conversation.hearing import ONSET_TICKS, QUIET_TICKS
from trunkline.voice.conversation.machine import Machine
from trunkline.voice.conversation.outbox import Outbox
from trunkline.voice.conversation.profile import Voicemail
from trunkline.voice.conversation.voicemail import Answerer


class Screening:
    """Who answered, as long as that is asked, and the message where it was a machine."""

    def __init__(
        self,
        outbox: Outbox,
        rate: int,
        voicemail: Voicemail | None,
        dialogue: Dialogue,
        caller: Caller,
        agent: Agent,
    ) -> None:
        """`voicemail` None: a person, as far as anybody asks."""
        self._out = outbox
        self._voicemail = voicemail
        self._dialogue = dialogue
        self._caller = caller
        self._agent = agent
        self._answerer = Answerer(rate, voicemail.menus) if voicemail is not None else None
        self._machine: Machine | None = None

    @property
    def found(self) -> bool:
        """Is it a machine that is left a message?"""
        return self._machine is not None

    @property
    def their_end(self) -> EndReason | None:
        """What it means if a machine hangs up now; None: it is none."""
        return self._machine.cut_off if self._machine is not None else None

    def said(self, text: str) -> None:
        """A turn of theirs was taken."""
        if self._answerer is not None:
            self._answerer.said(text)

    def listened(self) -> None:
        """They heard out what we said."""
        if self._answerer is not None:
            self._answerer.listened()

    def tick(self) -> bool:
        """20 ms heard; answers whether there is a sign to weigh by `is_machine`."""
        answerer, ear = self._answerer, self._caller.ear
        if answerer is None:
            return False
        if self._machine is None and answerer.is_person(self._out.now_ms):
            self._answerer = None
            return False
        return answerer.tick(ear.last(1), voiced=not ear.quiet_run)

    def is_machine(self) -> bool:
        """Does what was heard say now that it is a machine? True once: from then on `take` has it."""
        if self._answerer is None or self._machine is not None:
            return False
        signs = self._answerer.signs(self._caller.text)
        if signs:
            self._out.note(Kind.VOICEMAIL, signs=[sign.value for sign in signs])
        return bool(signs)

    def take(self, turn_taken: bool, end: Callable[[EndReason, str], None]) -> None:
        """Hang up on it, or make the message ready. `turn_taken`: the model has read their words already."""
        voicemail, answerer = self._voicemail, self._answerer
        assert voicemail is not None and answerer is not None
        if not (voicemail.message or voicemail.prompt):
            end(EndReason.VOICEMAIL, "")
            return
        if not turn_taken and self._caller.text:
            self._dialogue.user_said(self._caller.text)
        self._machine = Machine(self._out, self._dialogue, self._agent, voicemail, answerer.beep)

    def attend(self) -> EndReason | None:
        """A tick with the machine: wait for its beep, speak, go on hearing it; answers how it ended, once it has."""
        caller = self._caller
        if self._machine is None:
            return None
        ended = self._machine.tick(caller.ear)
        if self._machine.speaking or caller.ear.quiet_run >= QUIET_TICKS:
            caller.finish_segment()
        elif caller.segment is None and caller.ear.onset_run >= ONSET_TICKS:
            caller.speak_up(caller.ear.onset_run)
        return ended
