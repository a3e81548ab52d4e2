"""A simulated call in writing: the agent and a persona talk, each by the language model, until one hangs up.

Knows no rows: what happens is told as it happens.
"""

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, replace
from typing import Literal

from trunkline.resources import dialogues
from trunkline.resources.dialogues import Turn
from trunkline.voice.conversation.dialogue import Dialogue
from trunkline.voice.conversation.profile import GreetingMode, Profile
from trunkline.voice.language.ports import LanguageModel

Sender = Literal["bot", "human", "system"]

_ANSWER = "[Your telephone has rung and you have answered it. Say hello, in one or two words.]"
_PERSONA = """You are a person on the telephone. You are not an assistant and help nobody: you want something, and the agent \
on the other end is there to help you. {side}

Who you are and what you want: {persona}

Say only what this person says, one short turn at a time, in the language {language}. Answer what the agent asks; make up \
what is not given. Never say that you are a model or that this is a test. When you have what you wanted, or have given up, \
say goodbye and end the call."""
_CALLED_IN = "You have called the agent."
_WAS_CALLED = "The agent has called you."
_WHO = {"bot": "agent", "human": "caller", "system": "(line)"}


@dataclass(frozen=True)
class Happening:
    """One thing in a talk."""

    sender: Sender
    """`bot` is the agent, `human` the persona."""
    kind: Literal["message", "event"]
    value: str


def transcript(happened: Sequence[Happening]) -> str:
    """As a judge reads it."""
    return "\n".join(f"{_WHO[each.sender]}: {each.value}" for each in happened)


def persona_of(prompt: str, language: str, agent: Profile, *, calls: bool) -> Profile:
    """The profile of a persona that speaks with `agent`; `calls`: it is the one who telephones."""
    side = _CALLED_IN if calls else _WAS_CALLED
    whole = _PERSONA.format(persona=prompt.strip(), side=side, language=language)
    return Profile(prompt=whole, language=language, model=agent.model)


async def talk(
    model: LanguageModel, agent: Profile, persona: Profile, max_turns: int
) -> AsyncIterator[Happening]:
    """What happens, in order; the last thing is how it ended. Each side speaks at most `max_turns` times.

    The agent's tools but for the end of the call are left out: nothing in a simulation touches the world.

    Raises:
        ProviderError: the model failed.
        Unavailable: there is no language model.
    """
    us, them = Dialogue(replace(agent, tools=())), Dialogue(persona)
    if agent.greeting_mode is GreetingMode.HUMAN:
        them.user_said(_ANSWER)
        said = await dialogues.reply(them, model)
        us.user_said(said.text)
        yield Happening("human", "message", said.text)
    for turn in range(max_turns):
        said = _greeting(us) if turn == 0 and _greets(agent) else await dialogues.reply(us, model)
        yield Happening("bot", "message", said.text)
        if said.ended:
            yield Happening("system", "event", "The agent ended the call.")
            return
        them.user_said(said.text)
        said = await dialogues.reply(them, model)
        yield Happening("human", "message", said.text)
        if said.ended:
            yield Happening("system", "event", "The persona ended the call.")
            return
        us.user_said(said.text)
    yield Happening("system", "event", f"The call was ended after {max_turns} turns of each side.")


def _greets(agent: Profile) -> bool:
    """Whether its first words are given."""
    return bool(agent.greeting) and agent.greeting_mode is not GreetingMode.AGENT_DYNAMIC


def _greeting(us: Dialogue) -> Turn:
    us.agent_said(us.profile.greeting)
    return Turn(us.profile.greeting, ended=False, model="")
