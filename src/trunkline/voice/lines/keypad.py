"""Keys as sound (ITU-T Q.23), for sides that take nothing but sound."""

import numpy as np

from trunkline.voice.lines.framing import KEYS

_ROWS = (697, 770, 852, 941)
_COLUMNS = (1209, 1336, 1477, 1633)
_PAD = "123A456B789C*0#D"
_TONE_SECONDS = 0.1
_GAP_SECONDS = 0.06
_PEAK = 6000


def tones(digits: str, rate: int) -> bytes:
    """s16le, 160 ms a key. Raises ValueError for what is no key."""
    if not set(digits) <= KEYS:
        raise ValueError("keys are 0-9, *, #, A-D")
    at = np.arange(round(_TONE_SECONDS * rate)) / rate
    gap = bytes(2 * round(_GAP_SECONDS * rate))
    sound = bytearray()
    for digit in digits:
        row, column = divmod(_PAD.index(digit), len(_COLUMNS))
        both = np.sin(2 * np.pi * _ROWS[row] * at) + np.sin(2 * np.pi * _COLUMNS[column] * at)
        sound += (_PEAK * both).astype("<i2").tobytes() + gap
    return bytes(sound)
