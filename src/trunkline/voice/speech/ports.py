"""The ports of speech. Each has a local implementation, vendors, and an in-tree twin; one contract suite for all.

Sound is mono s16le PCM bytes at the rate that is named. Failures raise ProviderError or ProviderTimeout.
"""

from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass
from typing import Protocol


class Hearing(Protocol):
    """One open segment of speech."""

    def push(self, pcm: bytes) -> None:
        """More sound; never blocks."""
        ...

    async def words(self) -> str:
        """What was said so far; may cost as much as a whole recognition where there are no partials."""
        ...

    async def finish(self) -> str:
        """The final words ("" when none); the segment is closed."""
        ...

    def close(self) -> None:
        """Nothing more is wanted; safe to repeat."""
        ...


class SpeechToText(Protocol):
    """Turns segments of speech into words."""

    has_partials: bool
    """True: it calls `on_partial` by itself while sound comes in. False: it has to be asked by `words()`."""

    def open(
        self,
        rate: int,
        language: str,
        on_partial: Callable[[str], None] | None = None,
        keywords: Sequence[str] = (),
    ) -> Hearing:
        """Begin a segment. `keywords`: names and terms that it had better expect."""
        ...

    async def warm(self) -> None:
        """Load what the first segment would otherwise wait for."""
        ...

    async def close(self) -> None: ...


@dataclass(frozen=True)
class Voice:
    """Who speaks, and how fast (1.0 is normal)."""

    id: str = ""
    language: str = "en-US"
    speed: float = 1.0
    instructions: str = ""
    """How to speak, in plain words; for voices that can be told."""


class TextToSpeech(Protocol):
    """Turns sentences into sound."""

    rate: int
    """Samples a second of what `speak` yields."""

    def speak(self, text: str, voice: Voice) -> AsyncIterator[bytes]:
        """PCM as it is made, silence at the head trimmed. Closing the iterator stops the work."""
        ...

    async def warm(self) -> None: ...

    async def close(self) -> None: ...


class TurnModel(Protocol):
    """Has the caller finished?"""

    async def complete(self, pcm: bytes, rate: int) -> float:
        """Probability that the turn is complete, from its last 8 s (pause included)."""
        ...


class VoiceActivity(Protocol):
    """Voice probability for many calls in one batch. Synchronous: it runs on the beat thread.

    Hears 8 kHz in chunks of 256 samples (32 ms). A slot belongs to one call leg.
    """

    def open(self) -> int:
        """A fresh slot."""
        ...

    def close(self, slot: int) -> None: ...

    def run(self, slots: list[int], chunks: list[bytes]) -> list[float]:
        """One chunk of 256 samples (512 bytes) for each slot; the probabilities in the same order."""
        ...
