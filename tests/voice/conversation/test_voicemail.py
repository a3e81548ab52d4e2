"""Who answered: what machines say and beep, and what people say that sounds like it."""

import numpy as np
import pytest

from trunkline.voice.conversation.voicemail import Answerer, Sign

RATE = 8000
TICK = RATE // 50
_QUIET = bytes(TICK * 2)

MACHINES = [
    "Hi, you've reached Anna. Please leave a message after the tone.",
    "The person you are calling is not available. At the tone, please record your message.",
    "Your call has been forwarded to an automated voice messaging system.",
    "You have reached the voicemail box of 5 5 5, 0 1 9 9.",
    "I can't come to the phone right now, so leave your name and number.",
    "Sorry I missed you! Leave me a short message and I'll call you back.",
    "The mailbox is full and cannot accept any messages at this time.",
    "Please leave a detailed message.",
    "Hi, this is Bob. Just leave a message, thanks.",
    "When you are finished recording, hang up or press 1. Record your message at the beep.",
    "Bitte hinterlassen Sie eine Nachricht nach dem Signalton.",
    "Deje su mensaje después del tono.",
    "Laissez un message après le bip sonore.",
]
MENUS = [
    "Thank you for calling Acme. How may I help you? For sales, press one. For support, press two.",
    "Press 0 for the operator.",
    "Please listen carefully, as our menu options have changed.",
    "If you know your party's extension, dial 1 to enter it.",
    "Für den Vertrieb drücken Sie bitte die Eins.",
    "Para ventas, marque el dos.",
    "Pour le service client, tapez le 3.",
    "Voor verkoop, toets één.",
]
PEOPLE = [
    "Hello?",
    "Hi, this is Anna speaking.",
    "Smith Dental, you've reached Anna, how can I help you?",
    "She is not available right now, can I take a message?",
    "He's away from his desk. Would you like to leave a message?",
    "I'm not available on Tuesday, could we do Wednesday?",
    "I can't take your call right now, I'll call you back.",
    "Did you leave a message for me yesterday?",
    "You can leave a message with me.",
    "I got your voicemail, thanks.",
    "Do you want me to leave a message for him?",
    "I'm in a meeting, can you call me later?",
    "Who is this?",
    "Yes, I've been waiting for your call, I can't come to the office on Monday.",
    "I left you a voicemail last week.",
    "Sorry, I was away from my phone.",
    "No, she's unavailable today.",
    "I'd like to leave a message for the doctor.",
    "Leave me alone.",
    "Please take me off your list.",
]


def sine(hertz: float, ticks: int, amplitude: float = 6000, start: int = 0) -> bytes:
    t = np.arange(start, start + ticks * TICK)
    return (amplitude * np.sin(2 * np.pi * hertz * t / RATE)).astype("<i2").tobytes()


def vowel(ticks: int, pitch: float = 180.0) -> bytes:
    """A long vowel: the harmonics of a voice, two formants."""
    t = np.arange(ticks * TICK)
    sound = np.zeros(t.size)
    for n in range(1, 20):
        hertz = n * pitch
        strength = sum(np.exp(-(((hertz - formant) / 150) ** 2)) for formant in (700, 1200)) + 0.05
        sound += strength * np.sin(2 * np.pi * hertz * t / RATE)
    return bytes((5000 * sound / np.abs(sound).max()).astype("<i2").tobytes())


def noisy(pcm: bytes, level: float = 600) -> bytes:
    noise = np.random.default_rng(7).normal(0, level, len(pcm) // 2)
    return (np.frombuffer(pcm, "<i2") + noise).clip(-32768, 32767).astype("<i2").tobytes()


def hear(answerer: Answerer, pcm: bytes, voiced: bool) -> None:
    for at in range(0, len(pcm), TICK * 2):
        answerer.tick(pcm[at : at + TICK * 2], voiced)


@pytest.mark.parametrize("text", MACHINES)
def test_words_of_machines(text: str) -> None:
    answerer = Answerer(RATE)
    hear(answerer, vowel(100), True)
    assert answerer.signs(text) == (Sign.WORDS,)


@pytest.mark.parametrize("text", MENUS)
def test_a_phone_menu_is_a_machine_to_who_asks_for_a_person(text: str) -> None:
    asking, calling = Answerer(RATE, menus=True), Answerer(RATE)
    assert asking.signs(text) == (Sign.MENU,)
    assert calling.signs(text) == (), "an agent may find its way through it"


@pytest.mark.parametrize("text", PEOPLE)
def test_no_person_is_taken_for_a_machine(text: str) -> None:
    for answerer in (Answerer(RATE), Answerer(RATE, menus=True)):
        hear(answerer, vowel(200), True)
        assert answerer.signs(text) == ()


def test_words_cut_into_turns_count_together_until_they_listened() -> None:
    answerer = Answerer(RATE)
    hear(answerer, vowel(310), True)
    answerer.said("You've reached Anna.")
    assert answerer.signs("I'll get back to you.") == (Sign.WORDS, Sign.LENGTH)
    answerer.listened()
    assert answerer.signs("I'll get back to you.") == ()


def test_a_long_answer_alone_is_no_machine() -> None:
    answerer = Answerer(RATE)
    hear(answerer, vowel(400), True)
    assert answerer.signs("Well hello, I was just thinking about what we talked about the other day") == ()


@pytest.mark.parametrize("hertz", [440.0, 1000.0, 1400.0, 1937.0])
def test_a_beep_after_a_greeting(hertz: float) -> None:
    answerer = Answerer(RATE)
    hear(answerer, vowel(120), True)
    hear(answerer, noisy(sine(hertz, 14)), True)
    assert answerer.beep.sounding
    assert answerer.signs("Anna Miller, Smith Dental") == (Sign.BEEP,)
    hear(answerer, _QUIET * 10, False)
    assert answerer.beep.over is not None and 8 <= answerer.beep.over <= 12


def test_a_short_tone_a_low_hum_a_vowel_and_noise_are_no_beep() -> None:
    rng = np.random.default_rng(3)
    sweep = np.sin(2 * np.pi * np.cumsum(np.linspace(500, 1800, 50 * TICK)) / RATE) * 6000
    for sound in (
        sine(1000, 9),
        sine(300, 50),
        vowel(60),
        vowel(60, pitch=260.0),
        rng.normal(0, 3000, 50 * TICK).astype("<i2").tobytes(),
        sweep.astype("<i2").tobytes(),
        (np.frombuffer(sine(770, 50), "<i2") // 2 + np.frombuffer(sine(1336, 50), "<i2") // 2)
        .astype("<i2")
        .tobytes(),
    ):
        answerer = Answerer(RATE)
        hear(answerer, vowel(120), True)
        hear(answerer, sound + _QUIET * 10, True)
        assert not answerer.beep.heard


def test_a_beep_in_silence_decides_nothing() -> None:
    answerer = Answerer(RATE)
    hear(answerer, vowel(20) + sine(1000, 20) + _QUIET * 5, True)
    assert answerer.signs("Hello?") == ()


def test_whoever_listens_twice_or_talks_for_a_minute_is_a_person() -> None:
    answerer = Answerer(RATE)
    assert not answerer.is_person(20_000) and answerer.is_person(61_000)
    answerer.listened()
    answerer.listened()
    assert answerer.is_person(20_000)
