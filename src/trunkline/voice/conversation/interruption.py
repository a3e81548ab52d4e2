"""The caller spoke while we did and we fell silent: was it meant? A decision over words and time, nothing else."""

from dataclasses import dataclass
from enum import Enum

from trunkline.voice.conversation.events import TICK_MS
from trunkline.voice.conversation.hearing import Turn
from trunkline.voice.conversation.turns import asks_to_stop, interrupting_words, is_back_channel

_VOICE_MS = 700
_UNDECIDED_MS = 1100
_FIRST_WORD_MS = 600
"""A single word that is not final may be the beginning of "I see": before this it decides nothing."""
_UNCONFIRMED_MS = 260
"""What no tick of voice has followed by then was a noise."""
ASK_AT_TICKS = (300 // TICK_MS, 600 // TICK_MS)
"""When a recogniser without partials is asked for the open segment."""

_PITCHED_TICKS = 5
"""Over every word of the tuning half that interrupted there were 6 or more of these when it was decided, over every
cough 4 or less …"""
_VOICED_TICKS = 30
"""… and a voice on a line so noisy that no pitch is found lasts."""


class Outcome(Enum):
    """What the pause turns into."""

    YIELD = "yield"
    RESUME = "resume"


@dataclass
class Interruption:
    """One pause of ours, from the flush to the decision."""

    began: int
    """Tick of the pause."""
    voice_began: int
    """Tick at which the voice that caused it began."""
    min_words: int
    after_question: bool
    """Was our last finished sentence a question? Then "yes" is an answer."""
    at_once: bool = False
    """Both began together: we yield without asking."""
    confirmed: bool = True
    """Does the voice-activity model take it for a voice?"""
    voiced: int = 0
    """Ticks of it that the model took for voice …"""
    pitched: int = 0
    """… and that have a pitch."""

    def decide(self, now: int, turn: Turn) -> Outcome | None:
        """What it is, as far as is known; None while it is open."""
        text = turn.text
        if not self.confirmed:
            unheard = (now - self.began) * TICK_MS >= _UNCONFIRMED_MS or turn.words_known
            return Outcome.RESUME if unheard else None
        voice_ms = (now - self.voice_began) * TICK_MS
        sure = turn.words_known or voice_ms >= _FIRST_WORD_MS
        if self.at_once or self.min_words == 0 or self._is_meant(text, sure):
            return Outcome.YIELD
        if turn.words_known:
            return Outcome.RESUME
        if (now - self.began) * TICK_MS >= _UNDECIDED_MS:
            return Outcome.YIELD if self._holds_words(text) else Outcome.RESUME
        can_tell = any(segment.text is not None for segment in turn.segments)
        lasts = turn.segments[-1].open and voice_ms >= _VOICE_MS
        if lasts and (not can_tell or (self._holds_words(text) and self.min_words <= 1)):
            return Outcome.YIELD
        return None

    @property
    def spoken(self) -> bool:
        """Can there be words in it? A recogniser makes some of a cough as well."""
        return self.pitched >= _PITCHED_TICKS or self.voiced >= _VOICED_TICKS

    def _is_meant(self, text: str, sure: bool) -> bool:
        if not self.spoken:
            return False
        if asks_to_stop(text):
            return True
        if self.after_question and is_back_channel(text):
            return True
        return interrupting_words(text) >= max(self.min_words, 1 if sure else 2)

    def _holds_words(self, text: str) -> bool:
        return self.spoken and interrupting_words(text) > 0
