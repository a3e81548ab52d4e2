"""One turn of an agent in writing."""

import pytest

from trunkline.errors import ProviderError
from trunkline.resources.dialogues import Turn, reply
from trunkline.voice.conversation.dialogue import Dialogue
from trunkline.voice.conversation.profile import Medium, Profile
from trunkline.voice.language.twins import Line, ScriptedLanguageModel

CHAT = Profile("Be kind.", medium=Medium.CHAT, model="gpt-4.1")


async def test_a_reply_is_taken_into_the_dialogue() -> None:
    model, dialogue = ScriptedLanguageModel("Item #7 is **there**."), Dialogue(CHAT)
    dialogue.user_said("Is it there?")
    assert await reply(dialogue, model) == Turn("Item #7 is **there**.", ended=False, model="gpt-4.1")
    assert [each["role"] for each in dialogue.history] == ["user", "assistant"]
    [asked] = model.asked
    assert asked[0]["content"].startswith("Be kind.\n\nYou are in a text chat.")
    assert asked[-1] == {"role": "user", "content": "Is it there?"}


async def test_an_agent_of_calls_speaks_without_signs() -> None:
    dialogue = Dialogue(Profile("Be kind."))
    turn = await reply(dialogue, model := ScriptedLanguageModel("It is **there**."))
    assert turn.text == "It is there."
    head, begin = model.asked[0]
    assert head["content"].startswith("Be kind.\n\nYou are on a phone call.")
    assert begin == {"role": "user", "content": "[The call has just been connected. Greet the caller.]"}


@pytest.mark.parametrize(("words", "said"), [("Bye!", "Bye!"), ("", CHAT.closing)])
async def test_the_agent_ends_the_conversation_never_without_a_word(words: str, said: str) -> None:
    turn = await reply(Dialogue(CHAT), ScriptedLanguageModel(Line(words, tool="end_call")))
    assert (turn.text, turn.ended) == (said, True)


@pytest.mark.parametrize("line", [Line("Well", fail="gone"), Line("  ")])
async def test_a_failed_reply_leaves_the_dialogue_as_it_was(line: Line) -> None:
    dialogue = Dialogue(CHAT)
    dialogue.user_said("Hello?")
    with pytest.raises(ProviderError):
        await reply(dialogue, ScriptedLanguageModel(line))
    assert dialogue.history == [{"role": "user", "content": "Hello?"}]
