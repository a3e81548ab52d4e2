"""Voice activity by Silero VAD (v5, its branch for 8 kHz): all calls in one batch.

The network is small: a short-time spectrum, four convolutions, one LSTM cell, one neuron. Written as products of
matrices over the whole batch it takes 19 to 33 us a window on the core on which onnxruntime takes 50 to 65 (batches of
100 and of 25; most of the difference are convolutions over four frames), and gives the same to 1e-5. A call has 31
windows a second.
"""

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from trunkline.voice.weights import constants

RATE = 8_000
CHUNK = 256
"""Samples a call hears at a time: 32 ms."""

_CONTEXT = 32
"""Samples of the window before, in front of each."""
_STATE = 128
_FRAMES = 4
"""Spectra of a window: 128 samples each, every 64."""
_FRAME, _HOP = 128, 64
_BANDS = 65
_BRANCH = "If_0_else_branch__Inline_0__"
"""Of the file's graph: its weights for 8 kHz."""

Floats = NDArray[np.float32]


class SileroVad:
    """Fulfils VoiceActivity. Not thread-safe: it belongs to the beat."""

    def __init__(self, model: Path) -> None:
        """Load `model` (silero_vad.onnx). Raises KeyError for another version of it."""
        self._network = _Network(constants(model))
        self._hidden = np.zeros((8, _STATE), np.float32)
        self._cell = np.zeros((8, _STATE), np.float32)
        self._context = np.zeros((8, _CONTEXT), np.float32)
        self._free = list(range(7, -1, -1))

    def open(self) -> int:
        if not self._free:
            self._grow()
        slot = self._free.pop()
        for state in (self._hidden, self._cell, self._context):
            state[slot] = 0.0
        return slot

    def close(self, slot: int) -> None:
        self._free.append(slot)

    def run(self, slots: list[int], chunks: list[bytes]) -> list[float]:
        if not slots:
            return []
        heard = np.frombuffer(b"".join(chunks), "<i2").reshape(len(slots), CHUNK).astype(np.float32)
        heard *= 1 / 32768.0
        sound = np.concatenate((self._context[slots], heard), axis=1)
        voice, hidden, cell = self._network.run(sound, self._hidden[slots], self._cell[slots])
        self._hidden[slots], self._cell[slots] = hidden, cell
        self._context[slots] = heard[:, -_CONTEXT:]
        found: list[float] = voice.tolist()
        return found

    def _grow(self) -> None:
        size = len(self._context)
        self._free.extend(range(2 * size - 1, size - 1, -1))
        self._hidden, self._cell, self._context = (
            np.concatenate((state, np.zeros_like(state)))
            for state in (self._hidden, self._cell, self._context)
        )


class _Network:
    """The weights, laid out for products of matrices; time before channels, as the sound lies in memory."""

    def __init__(self, weights: dict[str, Floats]) -> None:
        named = {
            name.removeprefix(_BRANCH): value for name, value in weights.items() if name.startswith(_BRANCH)
        }
        self._basis = np.ascontiguousarray(named["stft.forward_basis_buffer"][:, 0].T)
        # Past the first two, the taps beside the window's few frames only ever meet padding.
        self._layers = [
            (
                _matrix(named[f"encoder.{layer}.reparam_conv.weight"], taps),
                named[f"encoder.{layer}.reparam_conv.bias"],
            )
            for layer, taps in enumerate((slice(0, 3), slice(0, 3), slice(1, 3), slice(1, 2)))
        ]
        both = [named["decoder.rnn.weight_ih"], named["decoder.rnn.weight_hh"]]
        self._gates = np.ascontiguousarray(np.concatenate(both, axis=1).T)
        self._gates_bias = named["decoder.rnn.bias_ih"] + named["decoder.rnn.bias_hh"]
        # One tanh for all four gates: a sigmoid is half a tanh of half its argument, and a half.
        for sigmoid in (slice(0, 2 * _STATE), slice(3 * _STATE, 4 * _STATE)):
            self._gates[:, sigmoid] *= 0.5
            self._gates_bias[sigmoid] *= 0.5
        self._neuron = named["decoder.decoder.2.weight"][0, :, 0]
        self._neuron_bias = float(named["decoder.decoder.2.bias"][0])

    def run(self, sound: Floats, hidden: Floats, cell: Floats) -> tuple[Floats, Floats, Floats]:
        """Windows with their context, and the states before them: probabilities of voice, and the states after."""
        features = self._encoded(self._spectra(sound))
        gates = np.concatenate((features, hidden), axis=1) @ self._gates
        gates += self._gates_bias
        np.tanh(gates, out=gates)
        enter, keep, new, show = (gates[:, at : at + _STATE] for at in range(0, 4 * _STATE, _STATE))
        cell = (keep * 0.5 + 0.5) * cell + (enter * 0.5 + 0.5) * new
        hidden = (show * 0.5 + 0.5) * np.tanh(cell)
        voice = np.maximum(hidden, 0.0) @ self._neuron + self._neuron_bias
        return 1.0 / (1.0 + np.exp(-voice)), hidden, cell

    def _spectra(self, sound: Floats) -> Floats:
        """Magnitudes, (batch, 1 + 4 + 1 frames, bands), with the first convolution's padding around them."""
        padded = np.concatenate((sound, sound[:, -2 : -2 - _CONTEXT : -1]), axis=1)
        parts = _rows(padded, _FRAMES, _FRAME, _HOP) @ self._basis
        parts *= parts
        parts = parts.reshape(len(sound), _FRAMES, 2 * _BANDS)
        spectra = np.zeros((len(sound), 1 + _FRAMES + 1, _BANDS), np.float32)
        np.sqrt(parts[:, :, :_BANDS] + parts[:, :, _BANDS:], out=spectra[:, 1:-1])
        return spectra

    def _encoded(self, spectra: Floats) -> Floats:
        batch = len(spectra)
        (first, first_bias), *others = self._layers
        rows = _rows(spectra, _FRAMES, 3 * _BANDS, _BANDS) @ first
        rows += first_bias
        channels = rows.shape[1]
        padded = np.zeros((batch, 1 + _FRAMES, channels), np.float32)
        np.maximum(rows.reshape(batch, _FRAMES, channels), 0.0, out=padded[:, 1:])
        encoded = _rows(padded, 2, 3 * channels, 2 * channels)
        for weight, bias in others:
            encoded = encoded.reshape(-1, len(weight)) @ weight
            encoded += bias
            np.maximum(encoded, 0.0, out=encoded)
        return encoded


def _matrix(weight: Floats, taps: slice) -> Floats:
    """A convolution's weight (out, in, taps) as a matrix (taps x in, out)."""
    some = weight[:, :, taps]
    return np.ascontiguousarray(some.transpose(2, 1, 0).reshape(-1, len(some)))


def _rows(values: Floats, count: int, width: int, step: int) -> Floats:
    """Of each item of a batch `count` overlapping pieces, `width` values every `step`, below each other."""
    size = values[0].size
    pieces: Floats = np.ndarray((len(values), count, width), np.float32, values, 0, (4 * size, 4 * step, 4))
    return pieces.reshape(len(values) * count, width)
