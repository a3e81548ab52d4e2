"""What we say: sentences as sound, in order; what of it was heard; pause, fade, resume, cut.

Positions are samples. A sentence's sound counts as handed when the line has it, as heard when it has left the line:
handed, less what is still queued, less what a flush dropped. An agent in a place (`background`) is never silent: the
place sounds under its words and between them, and what of it waits in the line or is flushed counts as no word.
"""

import re
from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

import numpy as np

from trunkline.voice.conversation.background import Room
from trunkline.voice.conversation.events import TICK_MS
from trunkline.voice.conversation.profile import Background

AHEAD_MS = 60
"""How far ahead of the ear the line is kept while we speak. Every millisecond of it is latency at a barge-in."""
_PLACE_AHEAD_MS = 40
"""How far ahead the line is kept by the place alone; our next words come so much later."""
_WORK_VOLUME = 30
_REWIND_MS = 1000
_SNAP_MS = 120
_LETTER_MS = 65
"""Speech takes about this long a letter."""
_FLUSH_PATIENCE = 6
"""Ticks to wait for the line's report of a flush before going on as if it dropped all it held."""
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


@dataclass
class _Span:
    """Bytes handed to the line in one go: of a sentence, or of the place behind it (None)."""

    sentence: Sentence | None
    size: int


class Playout:
    """The sentences that wait, the one that plays, and those of which something was heard."""

    def __init__(
        self, rate: int, background: Background | None = None, work_sounds: Iterable[str] = ()
    ) -> None:
        """`work_sounds`: those that `work` may be asked for."""
        self.rate = rate
        self._room = None if background is None else Room(background, rate)
        self._works = {name: Room(Background(name, _WORK_VOLUME), rate) for name in work_sounds}
        self._work: Room | None = None
        self._mixed = background is not None
        """There may be sound in the line that is no word."""
        self._place_ahead = rate * _PLACE_AHEAD_MS // 1000
        self._frame = rate * TICK_MS // 1000 * 2
        self._ahead = rate * AHEAD_MS // 1000
        self._sentences: deque[Sentence] = deque()
        self._handed: list[_Span] = []
        """Oldest first, since the last `clear`; what `heard` reads from."""
        self._paused = False
        self._awaiting_flush = 0
        self._assumed = 0
        """Samples that count as dropped without the line's word for it."""
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
        # What the line still holds may be dropped yet: only the place may be in it, the words are done with.
        self._handed = [_Span(None, self.queued * 2)] if self._mixed and self.queued > 0 else []
        self._fade.clear()
        self._fade_frames = 0
        self._paused = False
        return left

    def work(self, sound: str) -> None:
        """Let somebody be heard at work from now on; "" for nobody. Counts as little as the place."""
        self._work = self._works.get(sound)
        self._mixed = self._mixed or self._work is not None

    # ---- how it stands ----

    @property
    def idle(self) -> bool:
        """Nothing waits and nothing is left in the line."""
        if self._sentences or self._fade or self._awaiting_flush:
            return False
        if not self._mixed:
            return self.queued <= 0
        return all(sentence is None for sentence, _ in self._unheard(self.queued * 2))

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
        unheard: dict[int, int] = {}
        for sentence, size in self._unheard(self.queued * 2):
            if sentence is not None:
                unheard[sentence.id] = unheard.get(sentence.id, 0) + size
        played = {span.sentence.id: span.sentence for span in self._handed if span.sentence is not None}
        return [
            (sentence, sentence.text_until(max(0, sentence.at - unheard.get(sentence.id, 0)), self.rate))
            for sentence in played.values()
        ]

    def _unheard(self, queued: int) -> Iterator[tuple[Sentence | None, int]]:
        """Whose the last so many bytes are that were handed over, the latest first."""
        for span in reversed(self._handed):
            if queued <= 0:
                return
            yield span.sentence, min(span.size, queued)
            queued -= span.size

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
            held = self.queued
            self.flushed(held)
            self._assumed = held
        self.queued = queued
        if self._paused:
            frame = self._fade.popleft() if self._fade else b""
            sound = self._behind(frame) + self._place(queued + len(frame) // 2)
            self.queued += len(sound) // 2
            return sound, None
        return self._hand_over(queued, now_ms)

    def _behind(self, sound: bytes) -> bytes:
        """The sound with what is heard behind it."""
        for room in (self._room, self._work):
            if room is not None and sound:
                sound = room.under(sound)
        return sound

    def _place(self, queued: int) -> bytes:
        """The place alone, as far ahead as it is kept; nothing of an agent that is in none and does nothing."""
        if self._room is None and self._work is None:
            return b""
        sound = b""
        while queued + len(sound) // 2 < self._place_ahead:
            sound += self._behind(bytes(self._frame))
        self._note_handed(None, len(sound))
        return sound

    def _note_handed(self, sentence: Sentence | None, size: int) -> None:
        if not size:
            return
        last = self._handed[-1] if self._handed else None
        if last is not None and last.sentence is sentence:
            last.size += size
        else:
            self._handed.append(_Span(sentence, size))

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
            sound += self._behind(piece)
            sentence.until_ms = now_ms + (queued * 2 + len(sound)) * TICK_MS // self._frame
        sound += self._place(queued + len(sound) // 2)
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
        self._note_handed(sentence, len(piece))
        return piece, sentence

    # ---- barge-in ----

    def pause(self, fade_frames: int) -> None:
        """Fall silent: the line is being flushed; its report comes by `flushed`."""
        self._paused = True
        self._awaiting_flush = _FLUSH_PATIENCE
        self._assumed = 0
        self._fade_frames = fade_frames

    def flushed(self, samples: int) -> None:
        """The line dropped this much: it was not heard. What is left of it fades out."""
        known = min(samples, self._assumed)
        self._assumed -= known
        self._rewind((samples - known) * 2)
        self.queued = 0
        if not self._awaiting_flush:
            return
        self._awaiting_flush = 0
        self._fade.extend(self._faded(self._fade_frames))

    def _rewind(self, dropped: int) -> None:
        while dropped > 0 and self._handed:
            span = self._handed[-1]
            back = min(dropped, span.size)
            span.size -= back
            dropped -= back
            if not span.size:
                self._handed.pop()
            if (sentence := span.sentence) is None:
                continue
            sentence.at = max(0, sentence.at - back)
            if sentence not in self._sentences:
                self._sentences.appendleft(sentence)
            if sentence.at == 0:
                self._handed = [span for span in self._handed if span.sentence is not sentence]
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
