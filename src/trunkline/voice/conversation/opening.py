"""How a talk begins: the pause before the first words, the question about the recording, the greeting."""

from trunkline.voice.conversation.agent import Agent
from trunkline.voice.conversation.consent import Consent
from trunkline.voice.conversation.dialogue import Dialogue
from trunkline.voice.conversation.events import Kind
from trunkline.voice.conversation.outbox import Outbox
from trunkline.voice.conversation.profile import GreetingMode
from trunkline.voice.conversation.turns import words_of

HELLO_WORDS = 4
"""First words up to this many are answered by the greeting."""
_ANSWER_SECONDS = 6.0
"""Silence after the question about the recording that counts as an answer, and as none that is clear."""


class Opening:
    """Until the greeting; afterwards it only says that it is over."""

    def __init__(self, outbox: Outbox, dialogue: Dialogue, agent: Agent) -> None:
        self._out = outbox
        self._dialogue = dialogue
        self._profile = dialogue.profile
        self._agent = agent
        self._consent = Consent(dialogue.profile.consent_message)
        self.greeted = False

    @property
    def asks(self) -> bool:
        """Is it not settled yet whether the call may be recorded? Nothing else is spoken of until then."""
        return self._consent.open

    @property
    def over(self) -> bool:
        return self.greeted and not self.asks

    def is_due(self, idle: float) -> bool:
        """Is it ours to go on, after so many seconds in which nobody spoke?"""
        if self._consent.asked:
            return idle >= _ANSWER_SECONDS
        wait = self._profile.initial_pause
        if self._profile.greeting_mode is GreetingMode.HUMAN:
            wait = self._profile.human_talk_timeout
        return self._out.now_ms > wait * 1000

    def go_on(self) -> None:
        """Nobody spoke: ask, ask again, or greet."""
        if self.asks:
            self.hear("")
        else:
            self.greet()

    def hear(self, text: str) -> None:
        """What the caller said while the question is open: settles it, or has it asked (again)."""
        self._consent.hear(text)
        if self._consent.given is None:
            self._consent.asked += 1
            self._agent.say(self._consent.question)
            return
        self._out.note(Kind.CONSENT, given=self._consent.given)
        if not text or self.wants_greeting(text) or self._profile.greeting_mode is GreetingMode.AGENT_DYNAMIC:
            self.greet()
        else:
            self.greeted = True
            self._agent.answer(self._dialogue.messages(), text, committed=True)

    def wants_greeting(self, text: str) -> bool:
        """The other side's first "hello?" is answered by the greeting."""
        own_words = self._profile.greeting_mode is not GreetingMode.AGENT_DYNAMIC and bool(
            self._profile.greeting
        )
        return own_words and not self.greeted and len(words_of(text)) <= HELLO_WORDS

    def greet(self) -> None:
        """The first words, unless there are none of ours."""
        self.greeted = True
        if self._profile.greeting_mode is GreetingMode.AGENT_DYNAMIC:
            self._agent.greet()
        elif self._profile.greeting:
            self._agent.say(self._profile.greeting)
