"""A text, cut into pieces that each say something by themselves."""

import re
from collections.abc import Iterator

SIZE = 800
"""Letters of a chunk at most: some 200 tokens of English, which the embedding model reads whole."""
OVERLAP = 160
"""Letters at most that a chunk repeats from the one before it, so that no answer is cut in two."""

_PARAGRAPH = re.compile(r"\n[^\S\n]*\n\s*")
_SENTENCE = re.compile(r"(?<=[.!?…])\s+|(?<=[。！？])|\n+")


def cut(text: str) -> list[str]:
    """Chunks of whole sentences where they fit, in order; none of a text without a letter or digit.

    A paragraph begins a new chunk when the one before is half full.
    """
    chunks: list[str] = []
    held: list[str] = []
    length = 0  # of those held, joined
    for sentence, begins in _sentences(text):
        if held and (length + 1 + len(sentence) > SIZE or (begins and length > SIZE // 2)):
            chunks.append(" ".join(held))
            held = [] if begins else _tail(held, SIZE - len(sentence))
            length = len(" ".join(held))
        length += len(sentence) + bool(held)
        held.append(sentence)
    if held:
        chunks.append(" ".join(held))
    return [chunk for chunk in chunks if any(letter.isalnum() for letter in chunk)]


def _sentences(text: str) -> Iterator[tuple[str, bool]]:
    """Each sentence, on one line and no longer than a chunk, and whether it begins a paragraph."""
    for paragraph in _PARAGRAPH.split(text):
        begins = True
        for sentence in _SENTENCE.split(paragraph):
            for piece in _pieces(" ".join(sentence.split())):
                yield piece, begins
                begins = False


def _pieces(sentence: str) -> Iterator[str]:
    """A sentence cut at spaces, or anywhere where there are none."""
    at = 0
    while len(sentence) - at > SIZE:
        space = sentence.rfind(" ", at + 1, at + SIZE + 1)
        end = space if space > at else at + SIZE
        yield sentence[at:end]
        at = end + (space == end)
    if at < len(sentence):
        yield sentence[at:]


def _tail(sentences: list[str], room: int) -> list[str]:
    """The last sentences, as far as they may be repeated and fit before what comes."""
    room = min(OVERLAP, room - 1)
    first = len(sentences)
    while first > 0 and len(sentences[first - 1]) < room:
        first -= 1
        room -= len(sentences[first]) + 1
    return sentences[first:]
