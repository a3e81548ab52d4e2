"""Language models that stand in for each other, fault by fault: no word twice, none lost, and in time."""

import asyncio
from collections.abc import AsyncIterator, Iterator, Sequence
from typing import Any

import pytest

from tests.voice.language.contract import ASK, FILLED, FORM, LanguageModelContract
from trunkline.errors import ProviderError
from trunkline.voice.conversation.profile import END_CALL
from trunkline.voice.language.chat import Budget
from trunkline.voice.language.fallback import GO_ON, FallbackLanguageModel, ReplyBudget, Thinker
from trunkline.voice.language.openai_llm import OpenAILanguageModel
from trunkline.voice.language.ports import DonePart, LanguageModel, ReplyPart, TextPart, ToolPart
from trunkline.voice.language.twins import Line, ScriptedLanguageModel
from trunkline.voice.scripted.script import ChatScript, Fault, FaultKind, Script
from trunkline.voice.scripted.server import ScriptedServer
from trunkline.voice.standing import Standing

REPLY = "We open at nine. Please bring your card. See you then!"
PATIENT = 30.0
"""Seconds that no answer ever takes; the first provider itself would be waited for longer."""
SLOW = (FaultKind.HANG, FaultKind.DRIP)
"""Faults that a chain notices by its budget only."""
SENTENCES = ["We open at nine.", "Please bring your card.", "See you then!"]


async def never() -> None:
    await asyncio.Event().wait()


def thinker(llm: LanguageModel) -> Thinker:
    return Thinker(llm, Standing("a model", never, waits=(0.0,)))


def substitute(messages: Sequence[dict[str, Any]]) -> Line:
    """A model that goes on as it is told: with the sentences that are not said yet."""
    if messages[-1]["content"] != GO_ON:
        return Line(REPLY)
    said = messages[-2]["content"]
    return Line(" ".join(each for each in SENTENCES if each not in said))


@pytest.fixture
def server() -> Iterator[ScriptedServer]:
    with ScriptedServer() as running:
        yield running


@pytest.fixture
async def first(server: ScriptedServer) -> AsyncIterator[Thinker]:
    llm = OpenAILanguageModel(server.base_url, budget=Budget(first_token=2 * PATIENT, total=4 * PATIENT))
    each = thinker(llm)
    yield each
    await each.standing.close()
    await llm.close()


class TestFallbackLanguageModel(LanguageModelContract):
    @pytest.fixture
    def llm(self) -> FallbackLanguageModel:
        return FallbackLanguageModel([thinker(ScriptedLanguageModel(REPLY))])

    @pytest.fixture
    def filler(self) -> FallbackLanguageModel:
        return FallbackLanguageModel([thinker(ScriptedLanguageModel(FILLED))])


async def parts_of(llm: LanguageModel) -> list[ReplyPart]:
    return [part async for part in llm.reply("any", ASK, [END_CALL])]


def words(parts: Sequence[ReplyPart]) -> list[str]:
    return "".join(part.text for part in parts if isinstance(part, TextPart)).split()


@pytest.mark.parametrize("kind", tuple(FaultKind))
async def test_a_model_that_fails_is_taken_over_from(
    server: ScriptedServer, first: Thinker, kind: FaultKind
) -> None:
    server.script = Script(llm=ChatScript(default=REPLY, faults=(Fault(kind=kind, rate=1.0, drip_ms=250),)))
    second = ScriptedLanguageModel(rule=substitute)
    both = [first, thinker(second)]
    patient = FallbackLanguageModel(both, ReplyBudget(PATIENT, PATIENT))
    hurried = FallbackLanguageModel(both, ReplyBudget(first=0.8, next=0.8))
    loop = asyncio.get_running_loop()
    began = loop.time()
    parts = await parts_of(hurried if kind in SLOW else patient)
    assert words(parts) == REPLY.split()
    assert loop.time() - began < PATIENT
    assert parts[-1] == DonePart("any", completion_tokens=parts[-1].completion_tokens)  # type: ignore[union-attr]
    assert not first.standing.up
    before = len(server.of("llm"))
    assert words(await parts_of(patient)) == REPLY.split()
    assert len(server.of("llm")) == before


async def test_a_model_that_dies_in_mid_reply_is_gone_on_from() -> None:
    dying = ScriptedLanguageModel(Line("We open at nine. Please bring", fail="gone"))
    second = ScriptedLanguageModel(rule=substitute)
    broken = thinker(dying)
    parts = await parts_of(FallbackLanguageModel([broken, thinker(second)]))
    assert words(parts) == REPLY.split()
    [asked] = second.asked
    assert asked[-2:] == (
        {"role": "assistant", "content": "We open at nine."},
        {"role": "user", "content": GO_ON},
    )
    await broken.standing.close()


async def test_one_that_begins_anew_is_not_heard_twice() -> None:
    broken = thinker(ScriptedLanguageModel(Line("We open at nine. Please bring", fail="gone")))
    chain = FallbackLanguageModel([broken, thinker(ScriptedLanguageModel("We open at nine! " + REPLY[17:]))])
    assert words(await parts_of(chain)) == REPLY.split()
    await broken.standing.close()


async def test_the_tools_of_the_substitute_are_called() -> None:
    broken = thinker(ScriptedLanguageModel(Line("Good", fail="gone")))
    chain = FallbackLanguageModel([broken, thinker(ScriptedLanguageModel(Line("Goodbye.", tool="end_call")))])
    parts = await parts_of(chain)
    assert [part.name for part in parts if isinstance(part, ToolPart)] == ["end_call"]
    assert words(parts) == ["Goodbye."]
    await broken.standing.close()


async def test_forms_are_filled_by_the_next_one() -> None:
    broken = thinker(ScriptedLanguageModel(Line(fail="gone")))
    chain = FallbackLanguageModel([broken, thinker(ScriptedLanguageModel(FILLED))])
    assert (await chain.fill("any", ASK, FORM, "call_report")).value == FILLED
    await broken.standing.close()


async def test_the_last_one_has_nobody_behind_it() -> None:
    both = [thinker(ScriptedLanguageModel(Line(fail="gone"))) for _ in range(2)]
    with pytest.raises(ProviderError):
        await parts_of(FallbackLanguageModel(both))
    for each in both:
        await each.standing.close()
