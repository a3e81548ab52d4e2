"""Calls with sound on the tick clock, with twins of all parts: what the persona does reaches the agent, to the tick."""

import asyncio
import random
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pydantic import ValidationError

from trunkline.resources.simulations import voice_level
from trunkline.resources.simulations.persona import Cue, Persona
from trunkline.resources.simulations.voice_call import RATE, VoiceCall
from trunkline.resources.simulations.voice_level import Side
from trunkline.voice.answers import Answers, FolderStore
from trunkline.voice.conversation.events import Kind, Note
from trunkline.voice.conversation.profile import GreetingMode, Profile, Tool, Voicemail
from trunkline.voice.driver.latency import AnsweredLatency
from trunkline.voice.driver.ports import ToolAnswer
from trunkline.voice.language.cached import CachedLanguageModel
from trunkline.voice.language.ports import ReplyPart
from trunkline.voice.language.twins import Line, Said, ScriptedLanguageModel
from trunkline.voice.speech.cached import CachedSpeechToText, CachedTextToSpeech, CachedTurnModel
from trunkline.voice.speech.twins import FixedTurn, LevelActivity, ToneEars, ToneVoice

TOOL = Tool("book", "Book a visit", {"type": "object", "properties": {"day": {"type": "string"}}})
AGENT = Profile(
    prompt="You answer the phone.", greeting="Good day, how may I help you?", max_duration=60.0, tools=(TOOL,)
)
SCRIPT: tuple[dict[str, Any], ...] = (
    {"to": "help you", "say": "A visit please."},
    {"to": "booked", "say": "Thank you. Bye.", "hang_up": True},
)


def agent_says(messages: Any) -> Said:
    last = messages[-1]
    if last["role"] == "tool":
        return "You are booked. See you then."
    if "visit" in str(last["content"]):
        return Line("One moment.", "book", {"day": "Monday"})
    return "I see. What else may I do?"


def side(*lines: Said, rule: Any = None) -> Side:
    return Side(ToneEars(), ToneVoice(), ScriptedLanguageModel(*lines, rule=rule), FixedTurn(0.99))


async def booked(name: str, arguments: dict[str, Any]) -> ToolAnswer:
    return ToolAnswer(f"{name} done {arguments}")


async def call(persona: dict[str, Any], seed: int = 1, agent: Profile = AGENT, **more: Any) -> VoiceCall:
    theirs = more.pop("theirs", None) or side()
    return await voice_level.call(
        agent,
        Persona.model_validate(persona),
        ours=side(rule=agent_says),
        theirs=theirs,
        vad=LevelActivity(),
        seed=seed,
        run_tool=booked,
        **more,
    )


def deeds(talk: VoiceCall) -> list[Note]:
    return [note for note in talk.persona_notes if note.kind == "deed"]


def of(notes: tuple[Note, ...], kind: Kind) -> list[Note]:
    return [note for note in notes if note.kind == kind.value]


async def test_a_scripted_persona_gets_what_it_wants() -> None:
    talk = await call({"script": SCRIPT})
    assert [(each.sender, each.text) for each in talk.transcript] == [
        ("bot", "Good day, how may I help you?"),
        ("human", "A visit please."),
        ("bot", "One moment."),
        ("bot", "You are booked. See you then."),
        ("human", "Thank you. Bye."),
    ]
    assert talk.end_reason == "human_ended"
    assert len(talk.ledger) >= 1
    happened = talk.happenings
    assert happened.end_reason == "human_ended"
    assert [each.who for each in happened.turns] == ["agent", "caller", "agent", "agent", "caller"]
    (booking,) = happened.calls or ()
    assert (booking.name, booking.arguments, booking.ok) == ("book", {"day": "Monday"}, True)
    assert 2 <= booking.turn <= 3
    assert talk.wav().startswith(b"RIFF")


@pytest.mark.parametrize("network", [{}, {"loss": 0.02, "burst": 2.0, "jitter_ms": 40}], ids=["clean", "bad"])
async def test_the_same_seed_gives_the_same_call_to_the_byte(network: dict[str, Any]) -> None:
    persona = {"script": SCRIPT, "network": network, "doings": [{"do": "noise", "at_ms": 900}]}
    first, second, other = [await call(persona, seed) for seed in (7, 7, 8)]
    assert second == first
    assert other.sound != first.sound


async def test_replays_are_equal_to_the_byte() -> None:
    seeds = random.Random(5)
    for seed in [seeds.getrandbits(32) for _ in range(10)]:
        cough = {"do": "noise", "sound": "cough", "at_ms": seed % 3000, "level_db": -30}
        persona = {"script": SCRIPT[:1], "doings": [cough, {"do": "hang_up", "at_ms": 3500}]}
        assert await call(persona, seed) == await call(persona, seed), f"seed {seed}"


async def test_it_speaks_so_long_after_the_agent_s_last_sound() -> None:
    talk = await call({"script": [{"say": "Bye.", "after_ms": 1500, "hang_up": True}]})
    left, right = np.frombuffer(talk.sound, "<i2").reshape(-1, 2).T
    agent_last = np.flatnonzero(np.abs(right) > 500)[-1] * 1000 / RATE
    caller_first = np.flatnonzero(np.abs(left) > 500)[0] * 1000 / RATE
    assert 1460 <= caller_first - agent_last <= 1560


async def test_a_cue_breaks_in_while_the_agent_speaks() -> None:
    agent = Profile(
        prompt="", greeting="We are open from nine to five on weekdays and on Sundays.", max_duration=30.0
    )
    talk = await call(
        {
            "script": [
                {"to": "open", "say": "Stop that now.", "breaks_in_ms": 1200},
                {"say": "Bye", "hang_up": True},
            ]
        },
        agent=agent,
    )
    assert talk.transcript[0].cut
    assert talk.transcript[1].text == "Stop that now."
    said = of(talk.persona_notes, Kind.AGENT_SAID)[0]
    assert 1200 <= said.data["start_ms"] <= 1400


async def test_a_pause_within_a_turn_is_heard_as_silence() -> None:
    cue = {"say": "I would like", "pause_ms": 400, "rest": "a visit please."}
    talk = await call({"script": [cue, SCRIPT[1]]})
    assert talk.transcript[1].text == "I would like a visit please."


async def test_a_model_plays_the_persona() -> None:
    theirs = side("A visit please.", Line("Thank you. Goodbye.", "end_call"))
    talk = await call({"goal": "You want a visit on Monday.", "temper": "angry"}, theirs=theirs)
    assert [each.text for each in talk.transcript][1::2][0] == "A visit please."
    assert talk.end_reason == "human_ended"
    prompt = theirs.llm.asked[0][0]["content"]  # type: ignore[attr-defined]
    assert "a visit on Monday" in prompt and "angry" in prompt


async def test_a_deed_s_moment_is_in_the_notes_and_on_the_wire() -> None:
    doings = [{"do": "noise", "sound": "cough", "at_ms": 3000}, {"do": "hang_up", "at_ms": 5000}]
    talk = await call({"script": [{"to": "never", "say": "x"}], "doings": doings})
    assert [(note.at_ms, note.data["do"]) for note in deeds(talk)] == [(3000, "noise"), (5000, "hang_up")]
    left = np.frombuffer(talk.sound, "<i2").reshape(-1, 2)[:, 0]
    first = np.flatnonzero(np.abs(left) > 300)[0] * 1000 / RATE
    assert 3000 <= first <= 3060
    assert talk.end_reason == "human_ended"


async def test_interruptions_and_back_channels_are_done_while_the_agent_speaks_or_not_at_all() -> None:
    doings = [
        {"do": "interrupt", "say": "Wait please.", "agent_turn": 1, "after_ms": 400},
        {"do": "back_channel", "say": "Mhm.", "agent_turn": 2, "after_ms": 4000},
        {"do": "hang_up", "at_ms": 9000},
    ]
    talk = await call({"script": [{"to": "never", "say": "x"}], "doings": doings})
    assert talk.transcript[0].cut
    assert talk.transcript[1].text == "Wait please."
    assert [note.data["done"] for note in deeds(talk)] == [True, False, True]
    assert abs(deeds(talk)[0].at_ms - 400 - talk.transcript[0].start_ms) <= 100


async def test_nothing_is_heard_of_a_persona_that_is_muted() -> None:
    doings = [{"do": "mute", "at_ms": 1000, "for_ms": 9000}, {"do": "hang_up", "at_ms": 9000}]
    talk = await call({"script": SCRIPT, "doings": doings})
    assert {each.sender for each in talk.transcript} == {"bot"}


@pytest.mark.parametrize("snr", [10.0, 20.0])
@pytest.mark.parametrize("place", ["steady", "cafe"])
async def test_noise_is_so_far_under_the_voice(snr: float, place: str) -> None:
    quiet = await call({"script": SCRIPT[:1], "doings": [{"do": "hang_up", "at_ms": 6000}]})
    noise = {"place": place, "snr_db": snr}
    noisy = await call({"script": SCRIPT[:1], "noise": noise, "doings": [{"do": "hang_up", "at_ms": 6000}]})
    voice = np.frombuffer(quiet.sound, "<i2").reshape(-1, 2)[:, 0].astype(float)
    heard = np.frombuffer(noisy.sound, "<i2").reshape(-1, 2)[:, 0].astype(float)
    level = np.sqrt(np.mean(voice[np.abs(voice) > 300] ** 2)) / np.sqrt(
        np.mean(heard[RATE // 2 : RATE * 2] ** 2)
    )
    assert abs(20 * np.log10(level) - snr) < 3


async def test_a_voicemail_greets_beeps_and_is_left_a_message() -> None:
    agent = Profile(
        prompt="",
        greeting="Hello, this is Anna.",
        voicemail=Voicemail("Please call us back."),
        max_duration=60.0,
    )
    machine = {"says": "I am not available. Leave a message after the tone.", "beep": True, "listens": 20}
    talk = await call({"recorded": machine}, agent=agent, persona_calls=False)
    assert talk.end_reason == "voicemail_left"
    assert "Please call us back." in [each.text for each in talk.transcript]


async def test_a_menu_leads_to_the_persona() -> None:
    agent = Profile(
        prompt="",
        greeting_mode=GreetingMode.HUMAN,
        human_talk_timeout=30.0,
        can_send_digits=True,
        max_duration=90.0,
    )

    def rule(messages: Any) -> Said:
        if "press two" in str(messages[-1]["content"]):
            return Line("", "send_digits", {"digits": "2"})
        return "Is Bob there?"

    through = {"says": "You are put through.", "person": True}
    menu = {
        "says": "For sales press one. For Bob press two.",
        "keys": {"1": {"says": "Closed."}, "2": through},
    }
    persona = {"recorded": menu, "script": [{"to": "there", "say": "Yes. Bye.", "hang_up": True}]}
    talk = await voice_level.call(
        agent,
        Persona.model_validate(persona),
        ours=side(rule=rule),
        theirs=side(),
        vad=LevelActivity(),
        seed=1,
        persona_calls=False,
    )
    assert of(talk.persona_notes, Kind.DIGIT)[0].data["digit"] == "2"
    assert "Yes. Bye." in [each.text for each in talk.transcript]


async def test_a_talk_is_cut_off_at_its_turns_or_its_length() -> None:
    assert (await call({"script": SCRIPT}, most_turns=1)).end_reason == ""
    talk = await call({"script": [{"to": "never", "say": "x"}]}, most_seconds=4.0)
    assert (talk.length_ms, talk.end_reason) == (4000, "")


async def test_a_persona_that_is_lost_asks_and_at_last_hangs_up() -> None:
    talk = await call({"script": [{"to": "never", "say": "Yes."}]})
    assert [each.text for each in talk.transcript if each.sender == "human"] == ["Sorry, what was that?"] * 4
    assert talk.end_reason == "human_ended"


@pytest.mark.parametrize(
    "wrong",
    [
        {},
        {"goal": "x", "doings": [{"do": "noise"}]},
        {"goal": "x", "doings": [{"do": "interrupt", "at_ms": 1}]},
        {"goal": "x", "doings": [{"do": "noise", "at_ms": 1, "sound": "laugh"}]},
        {"goal": "x", "doings": [{"do": "press", "at_ms": 1}]},
        {"script": [{"say": "a", "to": "("}]},
        {"goal": "x", "knows": "abc", "unknown": 1},
    ],
    ids=["nobody", "no moment", "no words", "no such sound", "no keys", "no pattern", "no such field"],
)
def test_what_is_no_persona_is_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        Persona.model_validate(wrong)


def test_cues_that_differ_in_anything_are_two() -> None:
    assert len({Cue(say="a"), Cue(say="a", after_ms=5), Cue(say="a")}) == 2


class Lagging(ScriptedLanguageModel):
    """Takes another real time for each part."""

    async def reply(self, *question: Any, **more: Any) -> AsyncIterator[ReplyPart]:
        async for part in super().reply(*question, **more):
            await asyncio.sleep(random.random() * 0.005)
            yield part


@pytest.mark.parametrize("measured", [False, True], ids=["by the seed", "as they took"])
async def test_a_run_from_the_cache_asks_no_provider_and_is_equal_to_the_byte(
    tmp_path: Path, measured: bool
) -> None:
    def cached(answers: Answers, *lines: Said, rule: Any = None) -> Side:
        plain = side(*lines, rule=rule)
        return Side(
            CachedSpeechToText(plain.stt, answers, "tones"),
            CachedTextToSpeech(plain.tts, answers, "tones"),
            CachedLanguageModel(Lagging(*lines, rule=rule), answers),
            CachedTurnModel(plain.turn, answers, "fixed"),
        )

    async def once(*lines: Said, rule: Any) -> tuple[VoiceCall, int]:
        answers = Answers(FolderStore(tmp_path))
        talk = await voice_level.call(
            AGENT,
            Persona(goal="You want a visit."),
            ours=cached(answers, rule=rule),
            theirs=cached(answers, *lines),
            vad=LevelActivity(),
            seed=3,
            run_tool=booked,
            latency=(lambda who: AnsweredLatency(len(who))) if measured else None,
        )
        await answers.close()
        return talk, answers.asked

    script = ("A visit please.", "A visit please.", Line("Thank you. Bye.", "end_call"))
    first, asked = await once(*script, rule=agent_says)
    again, asked_again = await once("Other words.", rule=lambda messages: "Others.")
    assert asked > 5
    assert asked_again == 0
    assert again == first
