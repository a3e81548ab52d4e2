"""May the call be recorded? The question, its answer in words, and what counts as one: rules, no state of the floor.

Nothing is recorded on a doubt: only a clear yes is one, and whatever is not clear at the second time is a no.
"""

import re
from enum import Enum

from trunkline.voice.conversation.turns import words_of

_ASKED_AT_MOST = 2

_YES = re.compile(
    r"\b(?:yes|yeah|yep|yup|sure|ok|okay|fine|go ahead|i agree|agreed|i accept|i consent|of course|absolutely|"
    r"certainly|definitely|alright|all right|please do|go for it|"
    r"ja|gerne|einverstanden|in ordnung|sí|si|sì|claro|vale|de acuerdo|va bene|d'accordo|certo|oui|d'accord|bien sûr|sim|de acordo|goed|prima)\b"
)
_YES_BY_NO = re.compile(
    r"\b(?:no problem|not a problem|no worries|no objections?|why not|(?:don't|do not|wouldn't|would not) mind)\b"
)
_NO = re.compile(
    r"\b(?:no|nope|nah|not|don't|do not|never|refuse|decline|disagree|rather you didn't|stop|"
    r"nein|nicht|kein|non|pas|nee|niet|geen|não)\b"
)
_NOT_YES = re.compile(
    r"\b(?:not|don't|do not|isn't) (?:really |quite |very )?(?:ok|okay|fine|all right|alright|agree|accept|consent|sure)\b"
)
_TURNED = re.compile(r"\b(?:mind|object|objections?)\b")
"""A question to which "yes" means no …"""
_NOT_AT_ALL = re.compile(r"\bnot at all\b")
"""… and this means yes."""


class Answer(Enum):
    """What an answer to the question means."""

    YES = "yes"
    NO = "no"
    UNCLEAR = "unclear"


def answer_to(question: str, text: str) -> Answer:
    """What `text` says to `question`.

    >>> answer_to("Is that all right?", "Yes, go ahead.").value, answer_to("Is that all right?", "Why?").value
    ('yes', 'unclear')
    """
    said = " ".join(words_of(text))
    turned = _TURNED.search(" ".join(words_of(question))) is not None
    if turned and _NOT_AT_ALL.search(said):
        return Answer.YES
    if _NOT_YES.search(said):
        return Answer.NO
    if _YES_BY_NO.search(said):
        rest = _YES_BY_NO.sub("", said)
        return Answer.UNCLEAR if _NO.search(rest) else Answer.YES
    yes, no = bool(_YES.search(said)), bool(_NO.search(said))
    if yes == no or (turned and yes):
        return Answer.UNCLEAR
    return Answer.YES if yes else Answer.NO


class Consent:
    """The question on one call, until it is settled."""

    def __init__(self, question: str) -> None:
        self.question = question
        self.asked = 0
        """How often; the first words of the caller are no answer before it was."""
        self.given: bool | None = None

    @property
    def open(self) -> bool:
        """Is it to be asked, or answered, yet?"""
        return bool(self.question) and self.given is None

    def hear(self, text: str) -> None:
        """What the caller said; "" for silence."""
        if not self.asked:
            return
        answer = answer_to(self.question, text)
        if answer is not Answer.UNCLEAR:
            self.given = answer is Answer.YES
        elif self.asked >= _ASKED_AT_MOST:
            self.given = False
