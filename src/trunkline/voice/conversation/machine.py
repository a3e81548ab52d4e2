"""A machine has answered: make the message ready, wait for the beep, leave it."""

from trunkline.voice.conversation.agent import Agent
from trunkline.voice.conversation.beep import Beep
from trunkline.voice.conversation.dialogue import Dialogue
from trunkline.voice.conversation.events import TICK_MS, EndReason, Kind
from trunkline.voice.conversation.hearing import Ear
from trunkline.voice.conversation.outbox import Outbox
from trunkline.voice.conversation.profile import Voicemail

_AFTER_BEEP_TICKS = 200 // TICK_MS
_QUIET_TICKS = 3000 // TICK_MS
"""A machine that is silent for so long records, beep or not."""
_SLACK_TICKS = 8
"""A voice-activity model may hear a beep as voice a little longer than it lasts."""
_LONGEST_TICKS = 60_000 // TICK_MS
"""Whoever has not stopped talking by then takes no message."""
_BRIEF = (
    "[A voicemail has answered the call; nobody hears you now. Write the message to leave on it and nothing else: "
    "no question, no placeholder. {prompt}]"
)


class Machine:
    """The message that it is left."""

    def __init__(
        self, outbox: Outbox, dialogue: Dialogue, agent: Agent, voicemail: Voicemail, beep: Beep
    ) -> None:
        self._out = outbox
        self._dialogue = dialogue
        self._agent = agent
        self._beep = beep
        self._since = outbox.tick
        self.speaking = False
        """Has our message begun?"""
        if voicemail.message:
            agent.say(voicemail.message, held=True)
        else:
            dialogue.told(_BRIEF.format(prompt=voicemail.prompt))
            agent.answer(dialogue.messages(), "", committed=False, tools=())

    def tick(self, ear: Ear) -> EndReason | None:
        """20 ms more; answers how it ended, once it has."""
        if self.speaking:
            return None if self._agent.busy else EndReason.VOICEMAIL_LEFT
        reply = self._agent.reply
        if reply is None or self._out.tick - self._since > _LONGEST_TICKS:
            return EndReason.VOICEMAIL  # the model failed, or they never stop
        beeped = self._beeped(ear)
        if reply.done and reply.sentences and (beeped or ear.quiet_run >= _QUIET_TICKS):
            self.speaking = True
            self._agent.commit()
            self._out.note(Kind.VOICEMAIL_MESSAGE, beep=beeped)
        return None

    def _beeped(self, ear: Ear) -> bool:
        """Has it beeped, and been silent since?"""
        over = self._beep.over
        return over is not None and _AFTER_BEEP_TICKS <= over <= ear.quiet_run + _SLACK_TICKS

    @property
    def cut_off(self) -> EndReason:
        """What it means if they hang up now."""
        return EndReason.VOICEMAIL_CUT_OFF if self.speaking else EndReason.VOICEMAIL
