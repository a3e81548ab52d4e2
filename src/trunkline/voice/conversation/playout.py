"""What we say: sentences as sound, in order; what of it was heard; pause, fade, resume, cut.

Positions are samples. A sentence's sound counts as handed when the line has it, as heard when it has left the line:
handed, less what is still queued, less what a flush dropped.
"""

import re
from collections import deque
from dataclasses import dataclass, field

import numpy as np

from trunkline.voice.conversation.events import TICK_MS

AHEAD_MS = 60
"""How far ahead of the ear the line is kept while we speak. Every millisecond of it is latency at a barge-in."""
_REWIND_MS = 1000
_SNAP_MS = 120
_LETTER_MS = 65
"""Speech takes about this long a letter."""
_FLUSH_PATIENCE = 5
"""Ticks to wait for the line's report of a flush before going on as if it dropped nothing."""
_PHRASE = re.compile(r"[,;:.!?—–]\s+")
_WORD_START = re.compile(r"\S+")


@dataclass
class Sentence:
    """One sentence of a reply."""

    id: int
    reply: int
    text: str
    pcm: bytearray = field(default_factory=bytearray)
    complete: bool = False
    """All its sound is here (or no more will come)."""
    at: int = 0
    """Bytes handed over."""
    started_ms: int | None = None
    until_ms: int = 0
    """When what was handed over of it has sounded."""

    @property
    def done(self) -> bool:
        return self.complete and self.at >= len(self.pcm)

    def text_until(self, position: int, rate: int) -> str:
        """The words heard whole up to a position, in proportion to the letters.

        While the sound is not complete its length is guessed from the letters, so that no word counts too early.
        """
        length = len(self.pcm)
        if self.complete:
            if position >= length:
                return self.text
        else:
            length = max(length, len(self.text) * _LETTER_MS * rate // 1000 * 2)
        letters = round(position / length * len(self.text)) if length else 0
        heard = ""
        for match in _WORD_START.finditer(self.text):
            if match.end() > letters:
                break
            heard = self.text[: match.end()]
        return heard


class Playout:
    """The sentences that wait, the one that plays, and those of which something was heard."""

    def __init__(self, rate: int) -> None:
        self.rate = rate
        self._frame = rate * TICK_MS // 1000 * 2
        self._ahead = rate * AHEAD_MS // 1000
        self._sentences: deque[Sentence] = deque()
        self._played: list[Sentence] = []
        """Handed over wholly or in part, oldest first; what `heard` reads from."""
        self._paused = False
        self._awaiting_flush = 0
        self._fade: deque[bytes] = deque()
        self._fade_frames = 0
        self.queued = 0

    # ---- what is to be said ----

    def enqueue(self, sentence: Sentence) -> None:
        """Add a sentence; its sound may still be coming."""
        self._sentences.append(sentence)

    def clear(self) -> list[Sentence]:
        """Forget all that was not heard; answers the sentences that were not finished."""
        left = [sentence for sentence in self._sentences if not sentence.done]
        self._sentences.clear()
        self._played.clear()
        self._fade.clear()
        self._fade_frames = 0
        self._paused = False
        return left

    # ---- how it stands ----

    @property
    def idle(self) -> bool:
        """Nothing waits and nothing is left in the line."""
        return not self._sentences and not self._fade and self.queued <= 0 and not self._awaiting_flush

    @property
    def waiting(self) -> bool:
        """Are there sentences not yet handed over?"""
        return bool(self._sentences)

    @property
    def flushing(self) -> bool:
        """The line has not said yet what it dropped: what was heard is not known."""
        return self._awaiting_flush > 0

    @property
    def frame_samples(self) -> int:
        """Samples in 20 ms."""
        return self._frame // 2

    def heard(self) -> list[tuple[Sentence, str]]:
        """Each sentence of which anything was handed over, with the words that were heard of it."""
        back = self.queued * 2
        texts: list[tuple[Sentence, str]] = []
        for sentence in reversed(self._played):
            position = max(0, sentence.at - back)
            back = max(0, back - sentence.at)
            texts.append((sentence, sentence.text_until(position, self.rate)))
        return texts[::-1]

    def last_finished(self) -> str:
        """The last sentence that was heard to its end; "" when none was."""
        for sentence, text in reversed(self.heard()):
            if text == sentence.text:
                return text
        return ""

    # ---- moving ----

    def tick(self, queued: int, now_ms: int) -> tuple[bytes, Sentence | None]:
        """20 ms pass: what the line shall have now, and the sentence whose first sound that is, if one begins.

        `queued` is what the line still holds, in samples.
        """
        if self._awaiting_flush:
            # What the line held when we paused counts as not heard until it has said what it dropped.
            self._awaiting_flush -= 1
            if self._awaiting_flush:
                return b"", None
            self.flushed(0)
        self.queued = queued
        if self._paused:
            frame = self._fade.popleft() if self._fade else b""
            self.queued += len(frame) // 2
            return frame, None
        return self._hand_over(queued, now_ms)

    def _hand_over(self, queued: int, now_ms: int) -> tuple[bytes, Sentence | None]:
        sound = bytearray()
        began: Sentence | None = None
        while queued + len(sound) // 2 < self._ahead:
            piece, sentence = self._next_piece()
            if sentence is None:
                break
            if sentence.started_ms is None:
                sentence.started_ms = now_ms
                began = began or sentence
            sound += piece
            sentence.until_ms = now_ms + (queued * 2 + len(sound)) * TICK_MS // self._frame
        self.queued = queued + len(sound) // 2
        return bytes(sound), began

    def _next_piece(self) -> tuple[bytes, Sentence | None]:
        """Up to one frame of the first sentence that has sound; whole frames until a sentence's last."""
        while self._sentences and self._sentences[0].done:
            self._sentences.popleft()
        if not self._sentences:
            return b"", None
        sentence = self._sentences[0]
        piece = bytes(sentence.pcm[sentence.at : sentence.at + self._frame])
        if not piece or (len(piece) < self._frame and not sentence.complete):
            return b"", None
        sentence.at += len(piece)
        if not self._played or self._played[-1] is not sentence:
            self._played.append(sentence)
        return piece, sentence

    # ---- barge-in ----

    def pause(self, fade_frames: int) -> None:
        """Fall silent: the line is being flushed; its report comes by `flushed`."""
        self._paused = True
        self._awaiting_flush = _FLUSH_PATIENCE
        self._fade_frames = fade_frames

    def flushed(self, samples: int) -> None:
        """The line dropped this much: it was not heard. What is left of it fades out."""
        self._rewind(samples * 2)
        self.queued = 0
        if not self._awaiting_flush:
            return
        self._awaiting_flush = 0
        self._fade.extend(self._faded(self._fade_frames))

    def _rewind(self, dropped: int) -> None:
        while dropped > 0 and self._played:
            sentence = self._played[-1]
            back = min(dropped, sentence.at)
            sentence.at -= back
            dropped -= back
            if sentence not in self._sentences:
                self._sentences.appendleft(sentence)
            if sentence.at == 0:
                self._played.pop()
                sentence.started_ms = None

    def _faded(self, frames: int) -> list[bytes]:
        """The next frames of the sentence, their volume falling to nothing; they are not counted as heard."""
        if not self._sentences or not frames:
            return []
        sentence = self._sentences[0]
        pcm = bytes(sentence.pcm[sentence.at : sentence.at + frames * self._frame])
        if len(pcm) < self._frame:
            return []
        samples = np.frombuffer(pcm, dtype="<i2").astype(np.float32)
        quiet = (samples * np.linspace(1.0, 0.0, samples.size)).astype("<i2").tobytes()
        return [quiet[at : at + self._frame] for at in range(0, len(quiet), self._frame)]

    def resume(self) -> None:
        """Go on from the start of the phrase that was cut, at most 1 s back, never from mid-word."""
        self._paused = False
        self._awaiting_flush = 0
        self._fade.clear()
        if self._sentences and self._sentences[0].at:
            sentence = self._sentences[0]
            sentence.at = self._resume_position(sentence)

    def _resume_position(self, sentence: Sentence) -> int:
        if not sentence.complete:
            length = len(sentence.pcm)
            return max(0, min(sentence.at, length) - self.rate * 2 * _REWIND_MS // 1000) // 2 * 2
        earliest = sentence.at - self.rate * 2 * _REWIND_MS // 1000
        if earliest <= 0:
            return 0
        starts = [0, *(match.end() for match in _PHRASE.finditer(sentence.text))]
        phrase = max((at for at in map(sentence_position(sentence), starts) if at <= sentence.at), default=0)
        if phrase >= earliest:
            return self._snap(sentence, phrase)
        words = (match.start() for match in _WORD_START.finditer(sentence.text))
        word = min(
            (at for at in map(sentence_position(sentence), words) if at >= earliest), default=sentence.at
        )
        return self._snap(sentence, min(word, sentence.at))

    def _snap(self, sentence: Sentence, position: int) -> int:
        """The quietest 20 ms near a position: words in proportion to letters are only a guess."""
        near = self.rate * 2 * _SNAP_MS // 1000
        low = max(0, position - near) // 2 * 2
        high = min(sentence.at, position + near)
        frames = (high - low) // self._frame
        if frames < 2:
            return position
        samples = np.frombuffer(bytes(sentence.pcm[low : low + frames * self._frame]), dtype="<i2")
        energy = np.square(samples.reshape(frames, -1).astype(np.float32)).sum(axis=1)
        return low + int(energy.argmin()) * self._frame


def sentence_position(sentence: Sentence) -> "_Position":
    """Maps a letter of the sentence to a position in its sound."""
    return _Position(len(sentence.pcm), len(sentence.text))


@dataclass(frozen=True)
class _Position:
    sound: int
    letters: int

    def __call__(self, letter: int) -> int:
        return int(self.sound * letter / self.letters) // 2 * 2 if self.letters else 0
