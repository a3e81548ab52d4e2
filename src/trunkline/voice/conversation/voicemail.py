"""Who answered, a person or a machine? Decided by words, by a beep and by how long it speaks without a pause for us.

A person who is taken for a machine is lost, a machine that is taken for a person costs a minute: so only what no
person says decides alone ("after the tone"); what people say as well ("I am not available") wants a second sign, and
what only people say ("who is this?") speaks against all of it.
"""

import re
from enum import StrEnum

from trunkline.voice.conversation.beep import Beep
from trunkline.voice.conversation.events import TICK_MS

_PAUSE_TICKS = 700 // TICK_MS
"""Silence that leaves the floor to us."""
_LONG_TICKS = 6000 // TICK_MS
_SPOKE_TICKS = 2000 // TICK_MS
"""Voice of this length before a beep: a greeting."""
_GIVE_UP_MS = 60_000
"""Whoever has talked for this long is a person."""
_EXCHANGES = 2
"""Replies of ours that were heard to their end: a machine does not listen so long."""

_BEFORE_LEAVE = "to|you|i|we|they|he|she|i'll|we'll|can|could|did|wanna|not|don't"
_MACHINE = re.compile(
    "|".join(
        [
            r"\b(?:after|at|following) (?:the|this|that) (?:tone|beep|signal)\b",
            rf"(?<!\w)(?:(?!(?:{_BEFORE_LEAVE}) )[\w']+ |^)(?:leave|record) (?:me |us )?(?:a|an|your) (?:[\w']+ ){{0,3}}?"
            r"(?:message|voicemail|name and)\b(?! with (?:me|him|her|us))",
            r"\brecord your message\b",
            r"\b(?:reached|forwarded to|this is) (?:[\w']+ ){0,4}?(?:voice ?mail|voice messag\w+|mailbox|answering machine)\b",
            r"\b(?:mailbox|voice ?mail) (?:is full|is not set up|of|has not been set up)\b",
            r"\bautomat(?:ed|ic) voice messag",
            r"\bcall (?:has been|is being) forwarded\b",
            # German, Spanish, French, Dutch
            r"\bnach dem (?:signal ?ton|piep\w*|ton)\b",
            r"\bhinterlassen sie\b.*\bnachricht\b|\bnachricht (?:bitte )?nach dem\b",
            r"\bdespués de(?:l tono| la señal)\b|\b(?:deje|deja) (?:su|tu|un) mensaje\b|\bbuzón de voz\b",
            r"\baprès le (?:bip|signal)\b|\blaisse[zr]?(?:-moi|-nous)? (?:un|votre) message\b",
            r"\bna de (?:pieptoon|toon|piep)\b",
        ]
    )
)
_EITHER = re.compile(
    "|".join(
        [
            r"\b(?:you've|you have) reached\b",
            r"\b(?:not|isn't|aren't) (?:currently )?(?:available|able to (?:take|answer|come))|\bunavailable\b",
            r"\b(?:can't|cannot|can not|unable to|couldn't) (?:come to|take|answer|get to|pick up)\b",
            r"\b(?:i'll|we'll|i will|we will) (?:get back|call you back|return your call)\b",
            r"\bleave (?:[\w']+ ){0,4}?message\b",
            r"\bname and (?:[\w']+ )?number\b",
            r"\bperson you(?:'re| are) (?:trying to reach|calling)\b",
            r"\bnumber you (?:have )?(?:called|dialed|dialled)\b",
            r"\baway from (?:my|the|our) (?:phone|desk|office)\b",
            r"\bnicht (?:erreichbar|da|verfügbar)\b|\bno (?:está|estoy) disponible\b|\bn'est pas disponible\b",
        ]
    )
)
_PERSON = re.compile(
    r"\bhow (?:can|may) (?:i|we) help\b|\bwho(?:'s| is) (?:this|that|calling|speaking|it)\b|\bwhat(?:'s| is) this about\b"
    r"|\b(?:can|may|could|shall|should) i take a message\b|\b(?:want|like) (?:me )?to (?:leave|take) a message\b"
    r"|\bcan you (?:call|ring|try)\b|\bspeaking\?|\bare you there\b|\bwhat do you want\b"
)


_KEY = r"(?:\d|zero|one|two|three|four|five|six|seven|eight|nine|star|pound|hash)"
_MENU = re.compile(
    "|".join(
        [
            rf"\bpress (?:or say )?(?:the )?(?:number )?{_KEY}\b",
            rf"\b(?:dial|enter) (?:{_KEY} (?:for|to)|(?:your|the) party's extension)\b",
            r"\b(?:main menu|menu options|following (?:menu|options))\b",
            # German, Spanish, French, Dutch
            r"\bdrücken sie (?:bitte )?(?:die )?(?:\d|null|eins|zwei|drei|vier|fünf|sechs|sieben|acht|neun)\b",
            r"\b(?:pulse|presione|marque|oprima) (?:el )?(?:\d|cero|uno|dos|tres|cuatro|cinco|seis|siete|ocho|nueve)\b",
            r"\b(?:tapez|appuyez sur|composez)(?: le| la touche)? (?:\d|zéro|un|deux|trois|quatre|cinq|six|sept|huit|neuf)\b",
            r"\btoets (?:een )?(?:\d|nul|één|twee|drie|vier|vijf|zes|zeven|acht|negen)\b",
        ]
    )
)


class Sign(StrEnum):
    """What gave a machine away."""

    MENU = "menu"
    WORDS = "words"
    BEEP = "beep"
    LENGTH = "length"


class Answerer:
    """The other side, until it is known to be a person."""

    def __init__(self, rate: int, menus: bool = False) -> None:
        """`menus`: a phone menu is a machine too."""
        self.beep = Beep(rate)
        self._menus = menus
        self._spoke = 0
        """Ticks of voice since they answered."""
        self._stretch = 0
        """Ticks that they have spoken without a pause for us."""
        self._quiet = 0
        self._longest = 0
        self._said = ""
        self._exchanges = 0

    def tick(self, frame: bytes, voiced: bool) -> bool:
        """20 ms heard; answers whether there is a new sign to weigh."""
        knew = (self.beep.heard, self._longest >= _LONG_TICKS)
        self.beep.tick(frame)
        if voiced:
            self._quiet = 0
            self._spoke += 1
            self._stretch += 1
        else:
            self._quiet += 1
            self._stretch = 0 if self._quiet >= _PAUSE_TICKS or not self._stretch else self._stretch + 1
        self._longest = max(self._longest, self._stretch)
        return (self.beep.heard, self._longest >= _LONG_TICKS) != knew

    def said(self, text: str) -> None:
        """A turn of theirs was taken; what a machine says may be cut into several."""
        self._said = f"{self._said} {text}".strip()

    def listened(self) -> None:
        """They heard out what we said."""
        self._exchanges += 1
        self._said = ""

    def is_person(self, now_ms: int) -> bool:
        """Nobody needs to look for a machine any more."""
        return self._exchanges >= _EXCHANGES or now_ms > _GIVE_UP_MS

    def signs(self, saying: str) -> tuple[Sign, ...]:
        """What gives a machine away, with the words of the turn that is on; () when nothing surely does."""
        text = plain(f"{self._said} {saying}")
        long, beep = self._longest >= _LONG_TICKS, self.beep.heard
        if self._menus and _MENU.search(text):  # it may ask how it can help, as a person does
            return (Sign.MENU,)
        if _PERSON.search(text):
            return ()
        if says_machine(text):
            return (Sign.WORDS,)
        either = len({match.group() for match in _EITHER.finditer(text)})
        if beep and either:
            return (Sign.WORDS, Sign.BEEP)
        if beep and self._spoke >= _SPOKE_TICKS:
            return (Sign.BEEP, Sign.LENGTH) if long else (Sign.BEEP,)
        if long and either > 1:
            return (Sign.WORDS, Sign.LENGTH)
        return ()


def says_machine(text: str) -> bool:
    """Does it hold what no person says? `text` as `plain` gives it.

    >>> says_machine(plain("Leave a message after the tone.")), says_machine(plain("Did you leave a message?"))
    (True, False)
    """
    return any(_MACHINE.search(sentence) for sentence in text.split(".") if not sentence.endswith("?"))


def plain(text: str) -> str:
    """Lower case, one kind of apostrophe, and of the marks only full stops (also for "!") and question marks."""
    text = text.lower().replace("’", "'").replace("!", ".").replace("?", "?.")
    text = re.sub(r"[^\w'?.]+", " ", text)
    return re.sub(r" *\. *", ".", text).strip()
