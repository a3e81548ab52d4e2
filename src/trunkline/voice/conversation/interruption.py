"""The caller spoke while we did and we fell silent: was it meant? A decision over words and time, nothing else."""

from dataclasses import dataclass
from enum import Enum

from trunkline.voice.conversation.events import TICK_MS
from trunkline.voice.conversation.hearing import Turn
from trunkline.voice.conversation.turns import asks_to_stop, interrupting_words, is_back_channel

_VOICE_MS = 900
"""A voice that goes on for so long is meant, unless its words say otherwise. Before this words that are not final
decide nothing: of "I see" a recogniser makes "I think" while it is being said, and we are silent anyway."""
_UNDECIDED_MS = 1100
_SHORT_TICKS, _FEW_WORDS = 30, 2
"""So short a voice on a noisy line, with no more words than this, is taken for a back-channel that was misheard."""
_UNCONFIRMED_MS = 260
"""What no tick of voice has followed by then was a noise."""
ASK_AT_TICK = 600 // TICK_MS
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
    noisy: bool = False
    """Is the line so noisy that a short word may be misheard?"""
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
        lasts = turn.segments[-1].open and voice_ms >= _VOICE_MS
        if self.at_once or self.min_words == 0:
            return Outcome.YIELD
        if (lasts or turn.words_known) and self._is_meant(text):
            return Outcome.YIELD
        if turn.words_known:
            return Outcome.RESUME
        if (now - self.began) * TICK_MS < _UNDECIDED_MS:
            return None
        can_tell = any(segment.text is not None for segment in turn.segments)
        return Outcome.YIELD if self._holds_words(text) or (lasts and not can_tell) else Outcome.RESUME

    @property
    def spoken(self) -> bool:
        """Can there be words in it? A recogniser makes some of a cough as well."""
        return self.pitched >= _PITCHED_TICKS or self.voiced >= _VOICED_TICKS

    def _is_meant(self, text: str) -> bool:
        if not self.spoken:
            return False
        if asks_to_stop(text):
            return True
        if self.after_question:
            return is_back_channel(text) or interrupting_words(text) >= self.min_words
        words = interrupting_words(text)
        misheard = self.noisy and self.voiced <= _SHORT_TICKS and words <= _FEW_WORDS
        return words >= self.min_words and not misheard

    def _holds_words(self, text: str) -> bool:
        return self.spoken and interrupting_words(text) > 0
