"""End of turn: how long each policy waits at the end of a turn, and how often it cuts into a pause within one.

A turn is a sentence of the local voice with silence spliced into it where a word ends, or a short answer without a
pause. Ends and pauses are judged with the same silence behind them. Spliced speech marks a hold by its words and by
prosody that goes on, less than people do. Halves share no sentence.
"""

import hashlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np

from benchmarks import mulaw
from benchmarks.figures import Figure
from benchmarks.said import ANSWERS, OPEN, WHOLE
from benchmarks.sounds import Half, spoken
from trunkline.voice.conversation.profile import Patience
from trunkline.voice.conversation.turns import asks_model, completeness, floor_ms
from trunkline.voice.speech.features import Floats, floats_to_pcm, pcm_to_floats, whisper_features
from trunkline.voice.speech.noises import RATE, Sound, at_level, trimmed
from trunkline.voice.speech.resample import resample
from trunkline.voice.speech.turn import SmartTurn
from trunkline.voice.speech.whisper import WhisperDecoder, listen

_VOICES = ((1.0, 1.0), (1.15, 0.8), (0.95, 1.15), (1.25, 0.9))
_MEDIAN_MS, _SPREAD = 550.0, 0.45
"""Pauses within turns: log-normal."""
_HEARD_MS = 100
"""A pause is noticed after this much silence; words and verdict are on their way from then."""
_WORDS_MS, _VERDICT_MS = 165, 95
_TIMEOUT_MS = 1500
"""The turn model alone: how long what it calls incomplete is waited for."""


@dataclass(frozen=True)
class Pause:
    """One silence, and what is known in it."""

    length_ms: float | None
    """None: the turn is over."""
    text: str
    probability: float

    def cut_by(self, wait_ms: float) -> bool:
        return self.length_ms is not None and self.length_ms > wait_ms


Policy = Callable[[Pause], float]
"""Milliseconds after the last voice at which the turn is taken."""


def ours(patience: Patience) -> Policy:
    """Turn model, text and the floors of a patience."""

    def wait(pause: Pause) -> float:
        known = _HEARD_MS + max(_WORDS_MS, 40 + _VERDICT_MS)
        verdict = pause.probability if asks_model(pause.text, patience) else None
        return max(known, floor_ms(completeness(pause.text, verdict), patience))

    return wait


def model_alone(wait_ms: int) -> Policy:
    """What the turn model calls complete is taken after so long, all else at a time-out."""
    return lambda pause: float(
        max(wait_ms, _HEARD_MS + _VERDICT_MS) if pause.probability > 0.5 else _TIMEOUT_MS
    )


def silence_alone(wait_ms: int) -> Policy:
    """Any silence of this length."""
    return lambda pause: float(wait_ms)


def pauses(decoder: WhisperDecoder, turn: SmartTurn, half: Half) -> list[Pause]:
    """Every silence of a half."""
    found = []
    for sentence in _of(half):
        for voice in _VOICES:
            for sound, silence in _silences(sentence, voice):
                pcm = _line(sound)
                text = listen(decoder, pcm_to_floats(resample(pcm, RATE, 16_000)))
                found.append(Pause(silence, text, turn.judge(pcm, RATE)))
    return found


def _of(half: Half) -> list[str]:
    first = 0 if half is Half.TUNING else 1
    return [sentence for kind in (OPEN, WHOLE, ANSWERS) for sentence in kind[first::2]]


def _silences(sentence: str, voice: tuple[float, float]) -> Iterator[tuple[Sound, float | None]]:
    """What is heard before each silence, and how long that is."""
    whole = trimmed(spoken(sentence.replace("| ", ""), *voice))
    if "|" in sentence:
        digest = hashlib.sha256(f"{sentence} {voice}".encode()).digest()
        dice = np.random.default_rng(int.from_bytes(digest[1:5], "big"))
        first = trimmed(spoken(sentence.split("|")[0].strip(), *voice))
        yield whole[: _splice(first, whole)], float(_MEDIAN_MS * np.exp(_SPREAD * dice.standard_normal()))
    yield whole, None


def measure_endings(decoder: WhisperDecoder, turn: SmartTurn) -> Iterator[Figure]:
    """Each policy's mean wait and false cut-offs, on the reporting half."""
    known = pauses(decoder, turn, Half.REPORTING)
    held = sum(pause.length_ms is not None for pause in known)
    policies: dict[str, tuple[Policy, str | None, str | None]] = {
        "ours_low": (ours(Patience.LOW), None, None),
        "ours_medium": (ours(Patience.MEDIUM), "<= 450", "<= 5"),
        "ours_high": (ours(Patience.HIGH), None, None),
    }
    for ms in (200, 350, 500, 700, 900):
        policies[f"turn_model_alone_{ms}"] = (model_alone(ms), None, None)
        policies[f"silence_alone_{ms}"] = (silence_alone(ms), None, None)
    for name, (policy, wait_goal, cut_goal) in policies.items():
        wait, cut = score(known, policy)
        how = (
            f"{len(known) - held} synthetic turns, {held} of them with a pause spliced in (median "
            f"{_MEDIAN_MS:.0f} ms), reporting half"
        )
        yield Figure(f"end_of_turn_wait_{name}", wait, "ms", wait_goal, how)
        yield Figure(f"end_of_turn_cut_off_{name}", cut, "%", cut_goal, how)


def score(known: list[Pause], policy: Policy) -> tuple[float, float]:
    """Mean wait at the ends (ms), and the share of pauses that are cut into (%)."""
    ends = [policy(pause) for pause in known if pause.length_ms is None]
    held = [pause.cut_by(policy(pause)) for pause in known if pause.length_ms is not None]
    return float(np.mean(ends)), 100 * float(np.mean(held))


def _splice(first: Sound, whole: Sound) -> int:
    """Sample of `whole` at which what `first` says is over: its quietest point near the end that warping finds."""
    size = RATE // 100
    about = _warped(_bands(first), _bands(whole))
    reach = range(max(0, about - 8), min(len(whole) // size - 2, about + 8))
    quietest = min(reach, key=lambda n: float(np.abs(whole[n * size : (n + 2) * size]).mean()))
    return (quietest + 1) * size


def _bands(sound: Sound) -> Floats:
    return whisper_features(pcm_to_floats(resample(floats_to_pcm(sound), RATE, 16_000))).T


def _warped(first: Floats, whole: Floats) -> int:
    """Frame of `whole` at which `first` ends, by dynamic time warping with an open end."""
    apart = np.sqrt(((first[:, None] - whole[None]) ** 2).mean(axis=2))
    total = np.full((len(first) + 1, len(whole) + 1), np.inf)
    total[0, 0] = 0.0
    for i in range(1, len(first) + 1):
        for j in range(1, min(len(whole), 2 * i + 40) + 1):
            total[i, j] = apart[i - 1, j - 1] + min(total[i - 1, j - 1], total[i - 1, j], total[i, j - 1])
    return int(np.argmin(total[-1, 1:] / (len(first) + np.arange(len(whole)))))


def _line(sound: Sound) -> bytes:
    """Through mu-law, with the silence in which it is judged."""
    silence = np.zeros(RATE * (_HEARD_MS + 40) // 1000, np.float32)
    pcm = floats_to_pcm(np.concatenate([at_level(sound, -22.0), silence]))
    return mulaw.decode(mulaw.encode(pcm))
