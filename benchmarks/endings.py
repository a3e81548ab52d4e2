"""End of turn: how long each policy waits at the end of a turn, and how often it cuts into a pause within one.

A turn is a sentence of the local voice with silence spliced into it, at its quietest point near a word's end. Spliced
speech marks a hold by its words and by prosody that goes on, less than people do.
"""

import hashlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np

from benchmarks import mulaw
from benchmarks.figures import Figure
from benchmarks.sounds import Half, spoken
from trunkline.voice.conversation.profile import Patience
from trunkline.voice.conversation.turns import completeness, floor_ms
from trunkline.voice.speech.features import floats_to_pcm, pcm_to_floats
from trunkline.voice.speech.noises import RATE, Sound, at_level
from trunkline.voice.speech.resample import resample
from trunkline.voice.speech.turn import SmartTurn
from trunkline.voice.speech.whisper import WhisperDecoder, listen

SENTENCES = (
    "I would like to | make an appointment for next week.",
    "My name is | Susan Miller.",
    "I am calling about | the bill that I got yesterday.",
    "Can you tell me if | the doctor is in on Friday?",
    "I need to change my appointment because | I have to work.",
    "We are looking for a | table for six people.",
    "Could I speak with | someone in the billing department?",
    "It started on Monday and | it has been getting worse.",
    "I want to know when the | office opens on Saturday.",
    "My daughter has a | toothache since this morning.",
    "I think we should | move it to the afternoon.",
    "The best time for me would be | Thursday at ten.",
    "Do you have anything in the | evening on weekdays?",
    "I was wondering whether you | take new patients.",
    "Please send the papers to | my new address.",
    "I talked to your | colleague last week about this.",
    "My phone number is five five five | two one four nine eight seven three.",
    "The order number is four two | seven nine one.",
    "I live at two twenty one | Baker Street.",
    "I would prefer Tuesday or | Wednesday if that is possible.",
    "We have a problem with the | heating in the bedroom.",
    "Is it possible to | pay by card?",
    "I just wanted to ask about | the opening hours.",
    "Someone told me that | you also repair windows.",
    "I need an appointment | for Tuesday afternoon.",
    "I would like to cancel | the one on Friday.",
    "I have a question | about my insurance.",
    "Yes, that works | but only before noon.",
    "It is for two people | and a small child.",
    "Can I come in tomorrow | or is that too soon?",
)
"""`|`: where the pause is. In the last six what is before it could be all."""
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

    half: Half
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
        return max(known, floor_ms(completeness(pause.text, pause.probability), patience))

    return wait


def model_alone(wait_ms: int) -> Policy:
    """What the turn model calls complete is taken after so long, all else at a time-out."""
    return lambda pause: float(
        max(wait_ms, _HEARD_MS + _VERDICT_MS) if pause.probability > 0.5 else _TIMEOUT_MS
    )


def silence_alone(wait_ms: int) -> Policy:
    """Any silence of this length."""
    return lambda pause: float(wait_ms)


def pauses(decoder: WhisperDecoder, turn: SmartTurn) -> list[Pause]:
    """The whole set, both halves."""
    found = []
    for sentence in SENTENCES:
        for voice in _VOICES:
            digest = hashlib.sha256(f"{sentence} {voice}".encode()).digest()
            half = Half.TUNING if digest[0] % 2 else Half.REPORTING
            dice = np.random.default_rng(int.from_bytes(digest[1:5], "big"))
            length = float(_MEDIAN_MS * np.exp(_SPREAD * dice.standard_normal()))
            before, whole = _spliced(sentence, voice)
            for sound, silence in ((before, length), (whole, None)):
                pcm = _line(sound)
                text = listen(decoder, pcm_to_floats(resample(pcm, RATE, 16_000)))
                found.append(Pause(half, silence, text, turn.judge(pcm, RATE)))
    return found


def measure_endings(decoder: WhisperDecoder, turn: SmartTurn) -> Iterator[Figure]:
    """Each policy's mean wait and false cut-offs, on the reporting half."""
    known = [pause for pause in pauses(decoder, turn) if pause.half is Half.REPORTING]
    policies: dict[str, tuple[Policy, str | None, str | None]] = {
        "ours_low": (ours(Patience.LOW), "<= 450", "<= 5"),
        "ours_medium": (ours(Patience.MEDIUM), None, None),
        "ours_high": (ours(Patience.HIGH), None, None),
    }
    for ms in (200, 350, 500, 700, 900):
        policies[f"turn_model_alone_{ms}"] = (model_alone(ms), None, None)
        policies[f"silence_alone_{ms}"] = (silence_alone(ms), None, None)
    for name, (policy, wait_goal, cut_goal) in policies.items():
        wait, cut = score(known, policy)
        how = f"{len(known) // 2} synthetic turns with a pause spliced in (median {_MEDIAN_MS:.0f} ms), reporting half"
        yield Figure(f"end_of_turn_wait_{name}", wait, "ms", wait_goal, how)
        yield Figure(f"end_of_turn_cut_off_{name}", cut, "%", cut_goal, how)


def score(known: list[Pause], policy: Policy) -> tuple[float, float]:
    """Mean wait at the ends (ms), and the share of pauses that are cut into (%)."""
    ends = [policy(pause) for pause in known if pause.length_ms is None]
    held = [pause.cut_by(policy(pause)) for pause in known if pause.length_ms is not None]
    return float(np.mean(ends)), 100 * float(np.mean(held))


def _spliced(sentence: str, voice: tuple[float, float]) -> tuple[Sound, Sound]:
    """What is heard before the pause, and the whole turn without it."""
    first = sentence.split("|")[0].strip()
    whole = spoken(sentence.replace("| ", ""), *voice)
    # Said alone its end is drawn out by a fifth of a second.
    about = len(spoken(first, *voice)) - RATE // 5
    size = RATE // 100
    reach = range(max(0, about - RATE // 6) // size, min(len(whole), about + RATE // 6) // size)
    quietest = min(reach, key=lambda n: float(np.abs(whole[n * size : (n + 2) * size]).mean()))
    return whole[: (quietest + 1) * size], whole


def _line(sound: Sound) -> bytes:
    """Through mu-law, with the silence in which it is judged."""
    silence = np.zeros(RATE * (_HEARD_MS + 40) // 1000, np.float32)
    pcm = floats_to_pcm(np.concatenate([at_level(sound, -22.0), silence]))
    return mulaw.decode(mulaw.encode(pcm))
