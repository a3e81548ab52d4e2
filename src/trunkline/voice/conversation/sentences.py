"""Cuts a stream of text into pieces that a voice can speak, the first one as early as it sounds well."""

import re

_ABBREVIATIONS = frozenset(
    [
        "mr",
        "mrs",
        "ms",
        "dr",
        "prof",
        "sr",
        "jr",
        "st",
        "vs",
        "etc",
        "inc",
        "ltd",
        "co",
        "no",
        "e.g",
        "i.e",
        "a.m",
        "p.m",
        "approx",
        "dept",
        "est",
        "tel",
        "ext",
        "ave",
        "blvd",
        "rd",
        "fig",
        "jan",
        "feb",
        "mar",
        "apr",
        "jun",
        "jul",
        "aug",
        "sep",
        "sept",
        "oct",
        "nov",
        "dec",
    ]
)
_END = re.compile(r"[.!?…]+[\"'”’)\]]*(?=\s)|\n+")
_CLAUSE = re.compile(r"[,;:—–](?=\s+[^\s\d$€£¥₹#(+-])")
"""Not before what may belong to what is said before it: "November 22, 2026", "order number: 4711"."""
_FIRST_CLAUSE_CHARS = 14
"""A first piece may end at a comma once it is this long: it buys the time in which the rest is written."""
_LONG_CLAUSE_CHARS = 160
"""A sentence longer than this is cut at a clause."""


class SentenceSplitter:
    """Push text, take sentences; `finish` gives the rest."""

    def __init__(self) -> None:
        self._buffer = ""
        self._first = True

    def push(self, text: str) -> list[str]:
        """Whole sentences that are now certain (what follows the mark has been seen)."""
        self._buffer += text
        found: list[str] = []
        while (cut := self._cut()) is not None:
            sentence, self._buffer = self._buffer[:cut].strip(), self._buffer[cut:].lstrip()
            if any(character.isalnum() for character in sentence):
                found.append(sentence)
                self._first = False
        return found

    def finish(self) -> list[str]:
        """The last sentence, if there is one."""
        rest, self._buffer = self._buffer.strip(), ""
        return [rest] if any(character.isalnum() for character in rest) else []

    def _cut(self) -> int | None:
        for match in _END.finditer(self._buffer):
            if match.group().startswith("\n") or not self._is_abbreviation(match.start()):
                return match.end()
        least = _FIRST_CLAUSE_CHARS if self._first else _LONG_CLAUSE_CHARS
        for match in _CLAUSE.finditer(self._buffer):
            if match.start() >= least:
                return match.end()
        return None

    def _is_abbreviation(self, at: int) -> bool:
        before = self._buffer[:at].rsplit(None, 1)
        word = (before[-1] if before else "").lower().strip("(\"'")
        return word in _ABBREVIATIONS or (len(word) == 1 and word.isalpha() and word != "i")
