"""Words that an agent never says, and what it says in their place."""

import re
from collections.abc import Sequence

_DANGLING = re.compile(r"[,;:]\s*(?=[,;:.!?])|^[\s,;:.!?]+")


class WordFilter:
    """Whole words and phrases, whatever their case. A phrase is found within a sentence, not across two."""

    def __init__(self, words: Sequence[tuple[str, str]]) -> None:
        """Pairs of what is not said and what is said for it ("" for nothing)."""
        self._said = {_key(word): instead for word, instead in words if word.strip()}
        # The longest first, so that a phrase wins over a word in it.
        found = sorted(self._said, key=len, reverse=True)
        alternatives = "|".join(r"\s+".join(map(re.escape, each.split())) for each in found)
        self._pattern = re.compile(rf"(?<!\w)(?:{alternatives})(?!\w)", re.IGNORECASE) if found else None

    def apply(self, text: str) -> str:
        """The text as it may be said; "" when no word of it is left."""
        if self._pattern is None or not self._pattern.search(text):
            return text
        text = self._pattern.sub(lambda hit: self._said[_key(hit[0])], text)
        text = _DANGLING.sub("", re.sub(r"\s+(?=[,;:.!?])", "", " ".join(text.split())))
        return text if any(character.isalnum() for character in text) else ""


def _key(text: str) -> str:
    return " ".join(text.lower().split())
