"""The sound of one call of the SIP engine: PCM through baresip's rings, which any thread may use.

The beat reads, writes, flushes and settles; `begin` is called once before that, on the work loop.
"""

from collections import deque
from collections.abc import Callable
from contextlib import suppress

from baresip import AudioNotActive, Call
from baresip import AudioRestarted as StreamsReplaced
from baresip.audio import CallAudio

from trunkline.voice.conversation.events import AudioRestarted, Flushed, LineEvent
from trunkline.voice.lines.halfband import rate_change

_RATE = 8000
"""Until another is agreed on."""
_SAMPLE_BYTES = 2
_READ_BYTES = 6400
"""Taken from the ring at once (200 ms at 16 kHz); longer backlogs take more turns."""
_FLUSH_BEATS = 3
"""The ring is emptied on its next 20 ms; a flush not seen by then is answered with what is known."""


class SipSound:
    """Both directions: G.722 at 16 kHz or G.711 at 8 kHz, as was agreed when the call was answered.

    That rate stays. A re-INVITE may agree on another codec, and its sound is brought to the same rate.

    A flush empties the ring on the sender's next 20 ms, and takes with it whatever was written in between
    (measured). So what is written after `flush()` waits here until the flush is done, and one silent packet
    stands between the old sound and the new.
    """

    def __init__(self, call: Call, events: deque[LineEvent]) -> None:
        """`events`: where flushes and new streams are told."""
        self._audio = CallAudio(call.handle)
        # Bound apart from `_audio`: a probe takes note of new streams and would hide their coming from a read.
        self._probe = CallAudio(call.handle)
        self._events = events
        self._up = False
        self._ahead = 0
        self._rate = self._wire_rate = _RATE
        self._from_wire: Callable[[bytes], bytes] = rate_change(_RATE, _RATE)
        self._to_wire: Callable[[bytes], bytes] = rate_change(_RATE, _RATE)
        self._fitted = True
        self._replaced: int | None = None
        self._flushes = 0
        self._flush_beats = 0
        self._flushed_before = 0
        self._waiting = bytearray()

    @property
    def rate(self) -> int:
        return self._rate

    @property
    def ready(self) -> bool:
        """Can it flow both ways?"""
        try:
            info = self._probe.info()
        except AudioNotActive:
            return False
        return bool(info.tx_ready and info.rx_ready)

    def begin(self) -> None:
        """Let it flow, at the rate that was agreed on."""
        # A re-INVITE that comes at once replaces the streams; the beat meets the new ones.
        with suppress(AudioNotActive, StreamsReplaced):
            self._rate = self._probe.info().rx_sample_rate
            self._fit()
            while self._audio.read(_READ_BYTES):
                pass  # early media: an announcement or a ring, and nobody's speech
        self._up = True

    def end(self) -> None:
        """Nothing flows any more."""
        self._up = False

    def read(self) -> bytes:
        if not self._up:
            return b""
        try:
            if not self._fitted:
                self._fit()
            pcm: bytes = self._audio.read(_READ_BYTES)
            while pcm and len(pcm) % _READ_BYTES == 0 and (more := self._audio.read(_READ_BYTES)):
                pcm += more
        except StreamsReplaced:
            self._streams_gone()
        except AudioNotActive:
            pass
        else:
            if self._replaced is not None:
                self._events.append(AudioRestarted(self._replaced))
                self._replaced = None
            return self._from_wire(pcm)
        return b""

    def write(self, pcm: bytes) -> int:
        if not self._up:
            return 0
        if self._flushes:
            self._waiting += pcm
            return len(pcm) // _SAMPLE_BYTES
        try:
            if not self._fitted:
                self._fit()
            accepted = self._samples(self._audio.write(self._to_wire(pcm)))
        except StreamsReplaced:
            self._streams_gone()
            return 0
        except AudioNotActive:
            return 0
        self._ahead += accepted
        return accepted

    def queued(self) -> int:
        if self._ahead:
            self._ahead = self._sample()
        return self._ahead + len(self._waiting) // _SAMPLE_BYTES

    def flush(self) -> None:
        if not self._up or (not self._flushes and not self._ahead):
            self._events.append(Flushed(0))
            return
        self._flushes += 1
        if self._flushes > 1:
            return
        try:
            self._flushed_before = self._probe.stats().tx_flushed_bytes
            self._audio.flush_tx()
        except StreamsReplaced:
            self._streams_gone()
        except AudioNotActive:
            self._flush_done(0)

    def settle(self) -> None:
        """Once a beat: answer the flushes that are done."""
        if self._flushes:
            self._settle_flush()

    def _sample(self) -> int:
        """Samples in the ring, as baresip counts them."""
        try:
            buffered: int = self._probe.info().tx_buffered
        except AudioNotActive:
            return 0
        return self._samples(buffered)

    def _samples(self, wire_bytes: int) -> int:
        """Samples at our rate that so many bytes of the ring are."""
        return wire_bytes // _SAMPLE_BYTES * self._rate // self._wire_rate

    def _fit(self) -> None:
        """Bring the sound of new streams to our rate. Raises AudioNotActive while there are none."""
        info = self._probe.info()
        if not (info.tx_ready and info.rx_ready):
            raise AudioNotActive("the new streams are not ready")
        self._wire_rate = info.tx_sample_rate
        self._from_wire = rate_change(info.rx_sample_rate, self._rate)
        self._to_wire = rate_change(self._rate, info.tx_sample_rate)
        self._fitted = True

    def _settle_flush(self) -> None:
        self._flush_beats += 1
        try:
            stats = self._probe.stats()
        except AudioNotActive:
            self._flush_done(0)
            return
        dropped = stats.tx_flushed_bytes - self._flushed_before
        if dropped > 0 or not stats.tx_buffered or self._flush_beats >= _FLUSH_BEATS:
            self._flush_done(self._samples(dropped))

    def _flush_done(self, samples: int) -> None:
        """Answer each flush that was asked for, the first with the samples, and send what has waited."""
        waiting, asked = bytes(self._waiting), self._flushes
        self._waiting.clear()
        self._flushes = self._flush_beats = self._ahead = 0
        self._events.append(Flushed(samples))
        self._events.extend(Flushed(0) for _ in range(asked - 1))
        if waiting:
            self.write(waiting)

    def _streams_gone(self) -> None:
        """The streams we knew are no more: a re-INVITE replaces them, or the call ends; the next reads will tell.

        Their counters are gone with them, and what was queued is lost.
        """
        self._replaced = (self._replaced or 0) + self._ahead + len(self._waiting) // _SAMPLE_BYTES
        self._ahead = 0
        self._fitted = False
        self._waiting.clear()
        if self._flushes:
            self._flush_done(0)
