"""One turn of an agent in writing: for chats, and for simulations in text."""

from dataclasses import dataclass

from trunkline.errors import ProviderError
from trunkline.voice.conversation.dialogue import Dialogue, clean
from trunkline.voice.conversation.profile import END_CALL, Medium
from trunkline.voice.language.ports import DonePart, LanguageModel, TextPart, ToolPart


@dataclass(frozen=True)
class Turn:
    """What the agent said."""

    text: str
    ended: bool
    """The agent ended the conversation with this."""
    model: str
    """The language model that answered."""


async def reply(dialogue: Dialogue, model: LanguageModel) -> Turn:
    """The agent's next turn, taken into the dialogue; before the first message it is the greeting.

    Of the tools only the end of the conversation means something in writing.

    Raises:
        ProviderError: the model failed or said nothing; the dialogue is as it was.
        Unavailable: there is no language model.
    """
    words, ended, answered = "", False, dialogue.profile.model
    parts = model.reply(dialogue.profile.model, list(dialogue.messages()), dialogue.tools)
    async for part in parts:
        match part:
            case TextPart(text):
                words += text
            case ToolPart(name=END_CALL.name):
                ended = True
            case DonePart():
                answered = part.model
    # What is spoken bears no signs; what is read may speak of item #7.
    text = clean(words) if dialogue.profile.medium is Medium.CALL else words.strip()
    text = text or (dialogue.profile.closing if ended else "")
    if not text:
        raise ProviderError("The language model said nothing")
    dialogue.agent_said(text)
    return Turn(text, ended, answered)
