"""Rules of turn-taking over words and pauses. Pure functions; times in milliseconds.

English word lists: a recogniser for another language simply never matches them, and the turn model and the floors
decide alone.
"""

import re
from enum import Enum

from trunkline.voice.conversation.profile import Patience


class Completeness(Enum):
    """How finished the caller's turn looks."""

    COMPLETE = "complete"
    LIKELY = "likely"
    """Complete, as far as the turn model tells, but it is not sure."""
    UNDECIDED = "undecided"
    INCOMPLETE = "incomplete"


_FLOOR_MS = {
    Completeness.COMPLETE: {Patience.LOW: 200, Patience.MEDIUM: 300, Patience.HIGH: 600},
    Completeness.LIKELY: {Patience.LOW: 500, Patience.MEDIUM: 700, Patience.HIGH: 1000},
    Completeness.UNDECIDED: {Patience.LOW: 900, Patience.MEDIUM: 1200, Patience.HIGH: 1500},
    Completeness.INCOMPLETE: {Patience.LOW: 1500, Patience.MEDIUM: 2000, Patience.HIGH: 3000},
}

_LEANS, _SURE = 0.9, 0.975
"""Probability of the turn model from which a turn is likely, and surely, complete (decision 14)."""

_WORD = re.compile(r"[^\W_]+(?:['’][^\W_]+)*")

# A turn that ends in one of these has more to come.
_DANGLING = frozenset(
    [
        "a",
        "an",
        "the",
        "and",
        "or",
        "but",
        "so",
        "because",
        "if",
        "when",
        "while",
        "that",
        "which",
        "who",
        "of",
        "to",
        "for",
        "from",
        "with",
        "without",
        "about",
        "at",
        "by",
        "in",
        "into",
        "on",
        "onto",
        "my",
        "your",
        "his",
        "her",
        "its",
        "our",
        "their",
        "this",
        "these",
        "those",
        "is",
        "are",
        "was",
        "were",
        "am",
        "be",
        "been",
        "would",
        "could",
        "should",
        "will",
        "can",
        "may",
        "might",
        "must",
        "do",
        "does",
        "did",
        "has",
        "have",
        "had",
        "i'm",
        "i'd",
        "i'll",
        "it's",
        "that's",
        "um",
        "uh",
        "er",
        "erm",
        "hmm",
        "like",
        "than",
        "as",
        "whether",
        "until",
        "unless",
        "although",
        "every",
        "very",
        "between",
        "during",
        "mr",
        "mrs",
        "dr",
    ]
)
# Short turns that end in a dangling word and are whole all the same: "I think so", "yes I am", "what is that".
_WHOLE = re.compile(
    r"(?:\b(?:i|we|they|you|he|she|it|there)\s+(?:am|are|is|was|were|do|does|did|have|has|had|can|could|will|would|should|might))$"
    r"|\b(?:think|hope|guess|believe|suppose|said|do)\s+(?:so|that)$"
    r"|\b(?:what|who|where|how|when|which|why)\b.*\b(?:is|are|was|were|do|does|did|that|this|these|those|for|with|about|to|from|at|in|on)$"
    r"|^(?:like|about)\s+(?:this|that|these|those)$"
    r"|\b(?:of|for|with|about|like|is|was|at|do|to|want|need|on|in)\s+(?:that|this|these|those|her|his)$"
    r"|\bcome\s+(?:in|on)$|^(?:hold|go)\s+on$"
)
# A clause that has its subject and nothing more: "my colleague said that you", "call me when they're".
_BARE_SUBJECT = re.compile(
    r"\b(?:that|if|whether|when|while|because)\s+(?:i|we|you|he|she|they|it)$"
    r"|\b(?:and|but|so)\s+(?:i|we|he|she|they)$|\b(?:i|we|you|he|she|they|it)'(?:m|re|ve|ll|d)$"
)
_OR_ELSE = re.compile(
    r"\bor (?:is|are|was|do|does|did|can|could|would|should|will)(?: (?:it|that|there|i|you|we))?$"
)
_DIGIT_WORDS = frozenset(
    ["zero", "oh", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine"]
)
_NUMBER_LEAD = re.compile(
    r"\b(?:number|phone|code|zip|id|account|order|pin|digits?)\b[^.?!]*?\b(?:is|it's|:)?\s*((?:[\d\s\-().]|\b(?:"
    + "|".join(sorted(_DIGIT_WORDS))
    + r")\b[\s,-]*)+)$"
)
_SPELLING = re.compile(r"(?:\b[a-z]\b[\s,.-]+){2,}[a-z]?[\s.-]*$")
_LEAD_IN = re.compile(
    r"\b(?:my\s+(?:name|number|address|email|phone|phone\s+number)|the\s+(?:number|address|code|name))\s*(?:is|it's)?$"
)
_STREET_NUMBER = re.compile(r"\b(?:live|address|located)\b[^.?!]*\b\d+$")
_FULL_NUMBER = 10

_BACK_CHANNELS = frozenset(
    {
        "mhm", "mm", "mmm", "mm hmm", "mmhmm", "hm", "hmm", "uh huh", "aha", "ah", "oh", "yeah", "yep", "yup", "yes",
        "ok", "okay", "right", "sure", "i see", "got it", "alright", "all right", "great", "good", "nice", "cool",
        "oh okay", "oh i see", "of course", "exactly", "true", "um", "uh", "er", "thank you", "thanks",
    }
)  # fmt: skip
_STOP_WORDS = frozenset(
    {"stop", "wait", "no", "hold on", "hang on", "hello", "excuse me", "sorry", "actually", "but"}
)
_STOP_ALONE = frozenset({"no", "hello", "sorry", "but", "actually"})
_GOODBYE = re.compile(
    r"\b(?:good\s?bye|bye(?:\s?bye)?|see you|talk to you later|have a (?:good|nice) (?:one|day|evening))\b"
)


def words_of(text: str) -> list[str]:
    """The words, lower case, without punctuation."""
    return [word.replace("’", "'") for word in _WORD.findall(text.lower())]


def floor_ms(completeness: Completeness, patience: Patience) -> int:
    """The least silence after the last voiced tick before a turn is taken."""
    return _FLOOR_MS[completeness][patience]


def ends_open(text: str) -> bool:
    """Does the text itself say that more is to come?

    >>> ends_open("My name is"), ends_open("I think so"), ends_open("It is five five five")
    (True, False, False)
    """
    plain = " ".join(words_of(text))
    if not plain:
        return False
    stripped = text.rstrip()
    if stripped.endswith(("...", "…", "-", "—", ",")):
        return True
    if _OR_ELSE.search(plain):
        return True
    if stripped.endswith("?"):
        return False
    if _LEAD_IN.search(plain) or _SPELLING.search(plain + " ") or _STREET_NUMBER.search(plain):
        return True
    if _unfinished_number(plain):
        return True
    if _BARE_SUBJECT.search(plain):
        return True
    last = plain.rsplit(" ", 1)[-1]
    return last in _DANGLING and not _WHOLE.search(plain)


def ends_whole(text: str) -> bool:
    """Does the text end like a finished sentence? Recognisers punctuate what they hear as one."""
    return text.rstrip(" \"'”’").endswith((".", "?", "!")) and not ends_open(text)


def is_obvious(text: str) -> bool:
    """Is the turn over by its words alone? A question, or a leave-taking."""
    return ends_whole(text) and (is_question(text) or says_goodbye(text))


def _unfinished_number(plain: str) -> bool:
    """A phone number that was announced and has fewer than ten digits so far (and more than two)."""
    found = _NUMBER_LEAD.search(plain)
    if found is None or ("number" not in plain and "phone" not in plain):
        return False
    digits = sum(len(token) if token.isdigit() else 1 for token in found.group(1).split())
    return 2 < digits < _FULL_NUMBER


def asks_model(text: str, patience: Patience) -> bool:
    """Is the turn model worth asking? Not about words that surely go on, and where there is little patience not about
    the obvious: it is dear."""
    return not ends_open(text) and not (patience == Patience.LOW and is_obvious(text))


def completeness(text: str, probability: float | None) -> Completeness:
    """What text and the turn model (None: it gave none) say together."""
    if ends_open(text):
        return Completeness.INCOMPLETE
    if probability is None:
        return Completeness.COMPLETE if is_obvious(text) else Completeness.UNDECIDED
    if probability < _LEANS or not words_of(text):
        return Completeness.UNDECIDED
    return Completeness.COMPLETE if probability >= _SURE else Completeness.LIKELY


def is_back_channel(text: str) -> bool:
    """Is it only "mhm", "yeah", "okay" and their like?"""
    words = words_of(text)
    if not words:
        return False
    at = 0
    while at < len(words):
        if " ".join(words[at : at + 3]) in _BACK_CHANNELS:
            at += 3
        elif " ".join(words[at : at + 2]) in _BACK_CHANNELS:
            at += 2
        elif words[at] in _BACK_CHANNELS:
            at += 1
        else:
            return False
    return True


def interrupting_words(text: str) -> int:
    """Words that count towards an interruption: none where all is back-channel."""
    return 0 if is_back_channel(text) else len(words_of(text))


def asks_to_stop(text: str) -> bool:
    """Does it hold a stop word ("stop", "wait", "no", "hold on") early enough to be meant?"""
    words = words_of(text)
    head = words[:4]
    for index, word in enumerate(head):
        pair = head[index : index + 2]
        if len(pair) == 2 and " ".join(pair) in _STOP_WORDS:
            return True
        if word in _STOP_WORDS and (word not in _STOP_ALONE or index == 0):
            return True
    return False


def says_goodbye(text: str) -> bool:
    """Is the caller taking leave?"""
    return _GOODBYE.search(" ".join(words_of(text))) is not None


def is_question(text: str) -> bool:
    """Does the sentence ask for an answer?"""
    return text.rstrip(" \"'”").endswith("?")


def same_words(one: str, other: str) -> bool:
    """Equal but for case and punctuation."""
    return words_of(one) == words_of(other)
