"""Answers are asked for once, whole, and come back the same: of each port, over memory and folder."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from trunkline.errors import ProviderError, Unavailable
from trunkline.voice.answers import Answers, FolderStore, Item, MemoryStore, Store, digest, taken_ms
from trunkline.voice.conversation.profile import Tool
from trunkline.voice.language.cached import CachedLanguageModel
from trunkline.voice.language.twins import Line, ScriptedLanguageModel
from trunkline.voice.speech.cached import CachedSpeechToText, CachedTextToSpeech, CachedTurnModel
from trunkline.voice.speech.ports import Voice
from trunkline.voice.speech.twins import FixedTurn, ToneEars, ToneVoice

ASKED = [{"role": "user", "content": "Hi"}]
BOOK = Tool("book", "Books", {"type": "object", "properties": {}})


@pytest.fixture(params=["memory", "folder"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Store:
    return MemoryStore() if request.param == "memory" else FolderStore(tmp_path)


async def test_a_model_is_asked_once(store: Store) -> None:
    first = ScriptedLanguageModel(Line("Well then.", "book", {"day": 1}))
    model = CachedLanguageModel(first, Answers(store))
    parts = [part async for part in model.reply("m", ASKED, [BOOK])]
    await model.close()
    silent = ScriptedLanguageModel(Line(fail="asked again"))
    again = CachedLanguageModel(silent, Answers(store))
    assert [part async for part in again.reply("m", ASKED, [BOOK])] == parts
    assert len(parts) == 4
    assert silent.asked == []


@pytest.mark.parametrize("change", ["model", "messages", "tools", "take"])
async def test_another_question_has_another_answer(store: Store, change: str) -> None:
    model = CachedLanguageModel(ScriptedLanguageModel("One.", "Two."), Answers(store))
    other = CachedLanguageModel(ScriptedLanguageModel("Two."), Answers(store), take=int(change == "take"))

    async def said(of: CachedLanguageModel, *question: Any) -> str:
        return "".join([getattr(part, "text", "") async for part in of.reply(*question)])

    assert await said(model, "m", ASKED) == "One."
    question: dict[str, tuple[Any, ...]] = {
        "model": ("n", ASKED),
        "messages": ("m", [*ASKED, *ASKED]),
        "tools": ("m", ASKED, [BOOK]),
        "take": ("m", ASKED),
    }
    assert await said(other, *question[change]) == "Two."


async def test_forms_are_kept(store: Store) -> None:
    schema = {"type": "object", "properties": {"a": {"type": "integer"}}}
    inner = ScriptedLanguageModel({"a": 1})
    filled = [
        await CachedLanguageModel(inner, Answers(store)).fill("m", ASKED, schema, "form") for _ in range(2)
    ]
    assert filled[0] == filled[1]
    assert filled[0].value == {"a": 1}
    assert len(inner.asked) == 1


async def test_an_answer_that_was_broken_off_is_asked_for_to_its_end(store: Store) -> None:
    inner = ScriptedLanguageModel("One two three.", "Something else.")
    answers = Answers(store)
    model = CachedLanguageModel(inner, answers)
    stream = model.reply("m", ASKED)
    await anext(aiter(stream))
    await stream.aclose()  # type: ignore[attr-defined]
    await model.close()
    again = "".join([getattr(part, "text", "") async for part in model.reply("m", ASKED)])
    assert again == "One two three."
    assert (answers.asked, answers.found, inner.left_early) == (1, 1, 0)


async def test_failures_are_not_kept(store: Store) -> None:
    model = CachedLanguageModel(ScriptedLanguageModel(Line(fail="away"), "Here."), Answers(store))
    with pytest.raises(ProviderError, match="away"):
        [part async for part in model.reply("m", ASKED)]
    assert "Here." in [getattr(part, "text", "") async for part in model.reply("m", ASKED)]


async def test_who_asks_meanwhile_reads_the_same(store: Store) -> None:
    go = asyncio.Event()
    asked = 0

    async def ask() -> AsyncIterator[Item]:
        nonlocal asked
        asked += 1
        yield {"n": 1}
        await go.wait()
        yield {"n": 2}

    answers = Answers(store)

    async def read() -> list[Item]:
        return [item async for item in answers.items("x", ask)]

    async with asyncio.TaskGroup() as group:
        readers = [group.create_task(read()) for _ in range(3)]
        await asyncio.sleep(0)
        go.set()
    assert [reader.result() for reader in readers] == [[{"n": 1}, {"n": 2}]] * 3
    assert asked == 1


async def test_speech_is_made_and_heard_once(store: Store) -> None:
    voice = ToneVoice(8000)

    async def spoken(inner: ToneVoice, made_by: str = "tones") -> list[bytes]:
        cached = CachedTextToSpeech(inner, Answers(store), made_by)
        return [piece async for piece in cached.speak("hello there", Voice())]

    first, second = [await spoken(voice) for _ in range(2)]
    assert first == second
    assert voice.spoken == ["hello there"]
    assert await spoken(voice, "other") == first
    assert len(voice.spoken) == 2
    ears = ToneEars()
    for _ in range(2):
        hearing = CachedSpeechToText(ears, Answers(store), "tones").open(8000, "en-US")
        hearing.push(b"".join(first))
        assert await hearing.words() == await hearing.finish() == "hello there"
    assert ears.heard == ["hello there"]


async def test_verdicts_are_kept(store: Store) -> None:
    turn = FixedTurn(0.25, 0.75)
    verdicts = [
        await CachedTurnModel(turn, Answers(store), "fixed").complete(b"\0\0", 8000) for _ in range(2)
    ]
    assert verdicts == [0.25, 0.25]


def test_what_was_kept_first_stays(store: Store) -> None:
    store.put("aabb", b"first")
    store.put("aabb", b"second")
    assert store.get("aabb") == b"first"
    assert store.get("aacc") is None


async def test_what_an_answer_took_is_kept_with_it(store: Store) -> None:
    async def slowly() -> AsyncIterator[Item]:
        for n in range(3):
            await asyncio.sleep(0.01)
            yield {"n": n}

    async def taken(answers: Answers) -> list[float | None]:
        return [taken_ms() async for _ in answers.items("slow", slowly)]

    answers = Answers(store)
    first = await asyncio.create_task(taken(answers))
    await answers.close()
    assert all(each is not None and each > 0 for each in first)
    assert await asyncio.create_task(taken(Answers(store))) == first
    assert first == sorted(first, key=lambda each: each or 0)
    assert taken_ms() is None, "another task's answer"


@pytest.mark.parametrize("error", [ProviderError("away"), Unavailable("no model")], ids=["provider", "none"])
async def test_a_failure_is_kept_where_it_is_asked_for(store: Store, error: Exception) -> None:
    async def fails() -> AsyncIterator[Item]:
        yield {"n": 1}
        raise error

    async def heard(answers: Answers) -> list[Item]:
        found = []
        with pytest.raises(type(error), match=str(error)):
            async for item in answers.items("fails", fails):
                found.append(item)
        await answers.close()
        return found

    failures = MemoryStore()
    assert await heard(Answers(store, failures=failures)) == [{"n": 1}]
    again = Answers(store, failures=failures, asks=False)
    assert await heard(again) == [{"n": 1}]
    assert again.asked == 0
    forgotten = Answers(store, failures=MemoryStore())
    await heard(forgotten)
    assert forgotten.asked == 1


async def test_nobody_is_asked_where_nobody_may_be(store: Store) -> None:
    answers = Answers(store, asks=False)
    with pytest.raises(Unavailable, match="not kept"):
        [item async for item in answers.items("unknown", lambda: pytest.fail("asked"))]
    assert answers.asked == 0


def test_parts_of_a_question_do_not_run_together() -> None:
    assert len({digest("ab", "c"), digest("a", "bc"), digest("abc"), digest(b"abc"), digest(["abc"])}) == 5
