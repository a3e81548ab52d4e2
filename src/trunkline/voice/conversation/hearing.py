"""What the caller says: voice on the line, segments of speech, and the turn that their words make up."""

from collections import deque
from dataclasses import dataclass, field

from trunkline.voice.conversation.echo import level
from trunkline.voice.conversation.events import TICK_MS

ONSET = 0.5
"""Voice probability from which a silent line counts as spoken on …"""
ONSET_TICKS = 3
QUIET = 0.35
"""… and below which it is silent …"""
QUIET_TICKS = 5
RING_TICKS = 8000 // TICK_MS
"""The turn model hears the last 8 s."""
PREROLL_TICKS = 16
"""Sound before the onset that the recogniser gets as well: soft beginnings, and the lag of the VAD."""
SEGMENT_TICKS = 20_000 // TICK_MS
_SILENT = 60.0
"""Level (RMS) below which there is no voice on any line: -55 dB of full scale."""
_QUIETEST = 20.0
"""Level that a line's noise is taken to have at least."""
_FADED = 0.03
"""30 dB below the caller's voice."""
_LOUD = 2.8
"""9 dB above the line's noise: something sounds …"""
_LEAST_LOUD = 150.0
"""… that no line lets stand as silence."""
_CLEAR = 6.3
"""16 dB above the line's noise: a voice is heard well."""
_FLOOR_FALLS, _FLOOR_RISES = 0.3, 1.02
"""How the line's noise is followed, a tick: down at once, up by 9 dB in a second."""
_FORGET = 0.995
"""Of the voice's level, a tick: half of it in 2.8 s."""
_HANG_OVER_TICKS = 10


class Ear:
    """Voice and silence on the line, and what stands out of it, tick by tick.

    The VAD says what is voice; the level says when it has ended. A VAD's windows and its hang-over end 60 to 100 ms
    after the voice does, and on a clean line the level shows it at once; on a noisy one it never falls far enough,
    and the VAD decides alone.
    """

    def __init__(self, rate: int) -> None:
        self._silence = b"\0" * (rate * TICK_MS // 1000 * 2)
        self._ring: deque[bytes] = deque(maxlen=RING_TICKS)
        self._floor = _SILENT
        """Level of the line's noise."""
        self._peak = 0.0
        """Level of the caller's voice, forgotten slowly."""
        self.level = 0.0
        """Of this tick's frame."""
        self.onset_run = 0
        """Ticks in a row at or above ONSET."""
        self.lost = False
        """Is this tick's frame missing?"""
        self.loud = False
        """Does this tick stand out of the line's noise?"""
        self.still_run = 0
        """Ticks in a row that are quiet and do not stand out."""
        self.quiet_run = 0
        """Ticks in a row below QUIET, or far below the voice's level."""

    def tick(self, frame: bytes | None, speech: float) -> bytes:
        """20 ms heard (None: lost); answers the frame, silence for a lost one."""
        heard = frame if frame is not None else self._silence
        self._ring.append(heard)
        self.level = level(heard)
        self._peak *= _FORGET
        if speech >= ONSET:
            self._peak = max(self._peak, self.level)
        # The level of a lost frame says nothing of the voice: there the VAD decides alone, hang-over and all.
        faded = frame is not None and self.level < max(_SILENT, _FADED * self._peak)
        self.onset_run = self.onset_run + 1 if speech >= ONSET and not faded else 0
        self.quiet_run = self.quiet_run + 1 if speech < QUIET or faded else 0
        self.lost = frame is None
        self.loud = not self.lost and self.level >= max(_LEAST_LOUD, _LOUD * self._floor)
        self.still_run = self.still_run + 1 if self.quiet_run and not self.loud else 0
        if not self.lost:
            falls = self.level < self._floor
            self._floor += _FLOOR_FALLS * (self.level - self._floor) if falls else 0.0
            self._floor = max(self._floor * (1.0 if falls else _FLOOR_RISES), _QUIETEST)
        return heard

    @property
    def noisy(self) -> bool:
        """Does the caller's voice hardly stand out of the line's noise?"""
        return self._peak < _CLEAR * self._floor

    def last(self, ticks: int) -> bytes:
        """The last ticks of sound, this one included."""
        count = min(ticks, len(self._ring))
        return b"".join(self._ring[index] for index in range(len(self._ring) - count, len(self._ring)))

    def since_last_voice(self) -> int:
        """Ticks since the last frame that holds voice: where the VAD found the pause, its hang-over taken off."""
        reach = range(self.quiet_run, min(self.quiet_run + _HANG_OVER_TICKS, len(self._ring)))
        floor = max(_SILENT, _FADED * self._peak)
        return next((back for back in reach if level(self._ring[-1 - back]) >= floor), self.quiet_run)


@dataclass
class Segment:
    """A stretch of speech that goes to the recogniser as one."""

    id: int
    opened: int
    """Tick at which it was noticed."""
    voiced: int
    """Ticks with voice in it."""
    open: bool = True
    """Sound still goes into it."""
    text: str | None = None
    """What was heard so far; None before the recogniser's first answer."""
    final: bool = False


@dataclass
class Turn:
    """What the caller says until we take the floor: segments, joined."""

    id: int
    start_ms: int
    segments: list[Segment] = field(default_factory=list)
    last_voice: int = 0
    """Tick of the last voice, by energy."""
    keys: str = ""
    """Digits pressed."""

    @property
    def text(self) -> str:
        said = " ".join(
            segment.text.strip() for segment in self.segments if segment.text and segment.text.strip()
        )
        pressed = f"[pressed {' '.join(self.keys)}]" if self.keys else ""
        return " ".join(part for part in (said, pressed) if part)

    @property
    def words_known(self) -> bool:
        """Has every segment its final words?"""
        return all(segment.final for segment in self.segments)

    @property
    def voiced_ms(self) -> int:
        return sum(segment.voiced for segment in self.segments) * TICK_MS
