"""One turn of an agent in writing: for chats, and for simulations in text."""

import asyncio
import json
from dataclasses import dataclass, field

from trunkline.errors import ProviderError
from trunkline.voice.conversation import ending
from trunkline.voice.conversation.dialogue import Dialogue, clean
from trunkline.voice.conversation.profile import END_CALL, Medium, Tool
from trunkline.voice.driver.ports import RunTool, ToolAnswer
from trunkline.voice.language.ports import DonePart, LanguageModel, TextPart, ToolPart

MOST_ROUNDS = 5
"""Times that the model is asked in a turn; the last time it is offered no tool, so that it says something."""
TOOL_WITHIN = 60.0
"""Seconds that a tool has where its action does not say."""


@dataclass(frozen=True)
class Turn:
    """What the agent said."""

    text: str
    ended: bool
    """The agent ended the conversation with this."""
    model: str
    """The language model that answered."""
    reason: str = ""
    """Of the agent's own, for which it ended the conversation."""


@dataclass
class _Round:
    """One answer of the model."""

    words: str = ""
    tools: list[ToolPart] = field(default_factory=list)
    ended: bool = False
    reason: str = ""
    model: str = ""


async def reply(dialogue: Dialogue, model: LanguageModel, run_tool: RunTool | None = None) -> Turn:
    """The agent's next turn, taken into the dialogue; before the first message it is the greeting.

    Without `run_tool` only the end of the conversation means something of what the model calls. A tool runs once a
    turn with the same arguments, and those alone that it declares.

    Raises:
        ProviderError: the model failed or said nothing; only what tools did is in the dialogue.
        Unavailable: there is no language model.
    """
    said: list[str] = []
    ran: set[str] = set()
    for left in reversed(range(MOST_ROUNDS)):
        tools = dialogue.tools if left or run_tool is None else ()
        answer = await _ask(dialogue, model, tools)
        # What is spoken bears no signs; what is read may speak of item #7.
        words = clean(answer.words) if dialogue.profile.medium is Medium.CALL else answer.words.strip()
        said += [words] if words else []
        wanted = answer.tools if run_tool is not None else []
        for tool in wanted:
            assert run_tool is not None
            await _run(dialogue, tool, run_tool, ran)
        if answer.ended or not wanted:
            break
    text = "\n".join(said) or (dialogue.profile.closing if answer.ended else "")
    if not text:
        raise ProviderError("The language model said nothing")
    dialogue.agent_said(text)
    return Turn(text, answer.ended, answer.model, answer.reason)


async def _ask(dialogue: Dialogue, model: LanguageModel, tools: tuple[Tool, ...]) -> _Round:
    answer = _Round(model=dialogue.profile.model)
    async for part in model.reply(dialogue.profile.model, list(dialogue.messages()), tools):
        match part:
            case TextPart(text):
                answer.words += text
            case ToolPart(name=END_CALL.name, arguments=arguments):
                answer.ended = True
                if (condition := ending.named(arguments, dialogue.profile.end_conditions)) is not None:
                    answer.reason = condition.reason
            case ToolPart():
                answer.tools.append(part)
            case DonePart():
                answer.model = part.model
    return answer


async def _run(dialogue: Dialogue, wanted: ToolPart, run_tool: RunTool, ran: set[str]) -> None:
    """Run a tool, unless it did in this turn; what it gave goes into the dialogue."""
    offered = next((each for each in dialogue.profile.tools if each.name == wanted.name), None)
    arguments = offered.bound(wanted.arguments) if offered else wanted.arguments
    key = f"{wanted.name} {json.dumps(arguments, sort_keys=True)}"
    if key in ran:
        return
    ran.add(key)
    within = offered.manner.timeout if offered else None
    dialogue.tool_called(wanted.call, wanted.name, arguments)
    try:
        async with asyncio.timeout(within or TOOL_WITHIN):
            answer = await run_tool(wanted.name, arguments)
    except TimeoutError:
        told = {"error": "timeout", "message": f"{wanted.name} took too long and was given up."}
        answer = ToolAnswer(json.dumps(told), ok=False)
    except Exception as error:  # noqa: BLE001 - a tool may raise anything; the talk goes on
        answer = ToolAnswer(f"{wanted.name} failed and was not done: {error}", ok=False)
    dialogue.tool_answered(wanted.call, answer.text)
    dialogue.learned(answer.variables)
