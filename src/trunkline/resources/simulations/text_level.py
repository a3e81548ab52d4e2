"""A simulated call in writing, with tools: what is said and called, observed for rules and judges."""

import json
import re
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any, Protocol

from trunkline.errors import BadInput
from trunkline.resources import dialogues
from trunkline.resources.simulations.happenings import Called, Happenings, Said, Speaker
from trunkline.resources.simulations.mocks import MockedTools
from trunkline.resources.simulations.persona import Cue, Persona, profile_of_persona
from trunkline.resources.simulations.scripted_caller import LOST, PATIENCE
from trunkline.voice.conversation.dialogue import Dialogue, clean
from trunkline.voice.conversation.events import EndReason
from trunkline.voice.conversation.opening import HELLO_WORDS
from trunkline.voice.conversation.profile import GreetingMode, Profile, Tool
from trunkline.voice.conversation.turns import words_of
from trunkline.voice.driver.ports import ToolAnswer
from trunkline.voice.language.ports import Filled, LanguageModel, ReplyPart, TextPart

CUT_OFF = "max_turns"
"""The end of a talk that had as many turns as it may have; no real call ends by it."""

OnEvent = Callable[[Said | Called], None]


class _Caller(Protocol):
    """Who speaks with the agent."""

    async def first(self) -> str:
        """What is said before the agent has said anything; "" for nothing."""
        ...

    async def reply(self, heard: str) -> tuple[str, bool]:
        """What is said to this, and whether it hangs up then."""
        ...


async def play(
    model: LanguageModel,
    agent: Profile,
    persona: Persona,
    mocks: MockedTools,
    max_turns: int,
    *,
    calls: bool,
    on_event: OnEvent | None = None,
) -> Happenings:
    """A whole talk. `calls`: the persona is the one who telephones; `on_event` is told each turn and call as it happened.

    Noise, network and what a persona does at a moment of time are of sound and left out here.

    Raises:
        ProviderError: the model failed.
        Unavailable: there is no language model.
        BadInput: the persona is a machine that answers, which speaks in sound only.
    """
    if persona.recorded is not None:
        raise BadInput("A persona with `recorded` is heard in sound only; leave it out at the level text.")
    talk = _Talk(on_event)
    us = _Agent(model, agent, mocks, talk)
    them: _Caller = _Scripted(persona.script) if persona.script else _Played(model, persona, agent, calls)
    if agent.greeting_mode is GreetingMode.HUMAN and (first := await them.first()):
        us.hear(first)
    end = await _exchange(us, them, max_turns)
    variables = {**agent.variables, **mocks.variables}
    return Happenings(
        tuple(talk.turns),
        tuple(talk.calls),
        tuple(mocks.transfers),
        end.reason,
        variables=variables,
        state=mocks.state,
        end_detail=end.detail,
    )


@dataclass(frozen=True)
class _End:
    """Why a talk ended."""

    reason: str
    detail: str = ""


async def _exchange(us: "_Agent", them: _Caller, max_turns: int) -> _End:
    """Turns of each side in turn until somebody hangs up."""
    for turn in range(max_turns):
        said, end = await us.say(greets=turn == 0)
        if end is not None:
            return end
        answer, hangs_up = await them.reply(said)
        if answer:
            us.hear(answer)
        if hangs_up:
            return _End(EndReason.HUMAN_ENDED.value)
    return _End(CUT_OFF)


class _Talk:
    """What was observed so far."""

    def __init__(self, on_event: OnEvent | None) -> None:
        self.turns: list[Said] = []
        self.calls: list[Called] = []
        self._on_event = on_event

    def said(self, who: Speaker, text: str) -> None:
        """A turn was said."""
        turn = Said(who, text)
        self.turns.append(turn)
        if self._on_event is not None:
            self._on_event(turn)

    def called(self, call: Called) -> None:
        """A tool has given what it gives."""
        self.calls.append(call)
        if self._on_event is not None:
            self._on_event(call)


class _Agent:
    """The agent's side of the talk."""

    def __init__(self, model: LanguageModel, profile: Profile, mocks: MockedTools, talk: _Talk) -> None:
        self._dialogue = Dialogue(profile)
        self._model = _Listened(model)
        self._mocks = mocks
        self._talk = talk

    def hear(self, words: str) -> None:
        """The caller's turn."""
        self._dialogue.user_said(words)
        self._talk.said("caller", words)

    async def say(self, greets: bool) -> tuple[str, _End | None]:
        """The agent's turn, and why the talk ended with it; None while it goes on."""
        profile = self._dialogue.profile
        if greets and profile.greeting and self._greets(profile.greeting_mode):
            self._dialogue.agent_said(profile.greeting)
            self._talk.said("agent", profile.greeting)
            return profile.greeting, None
        turn = await dialogues.reply(self._dialogue, self._model, self._run)
        if not self._tell() and (not self._talk.turns or self._talk.turns[-1].who == "caller"):
            self._talk.said("agent", turn.text)
        if self._mocks.transfers:
            return turn.text, _End(EndReason.TRANSFERRED.value)
        if turn.reason:
            return turn.text, _End(EndReason.CUSTOM.value, turn.reason)
        return turn.text, _End(EndReason.AGENT_ENDED.value) if turn.ended else None

    def _greets(self, mode: GreetingMode) -> bool:
        """As on the telephone: who says more than a hello gets an answer to it in place of the greeting."""
        if mode is GreetingMode.AGENT_DYNAMIC:
            return False
        return not self._talk.turns or len(words_of(self._talk.turns[0].text)) <= HELLO_WORDS

    def _tell(self) -> bool:
        """What the model said since the last time is a turn of its own: words before a tool and words after it."""
        words = clean(self._model.taken())
        if words:
            self._talk.said("agent", words)
        return bool(words)

    async def _run(self, name: str, arguments: dict[str, Any]) -> ToolAnswer:
        self._tell()
        answer = await self._mocks.run(name, arguments)
        self._talk.called(Called(name, arguments, _read(answer.text), answer.ok, turn=len(self._talk.turns)))
        return answer


class _Listened:
    """Fulfils LanguageModel: another, with what it said."""

    def __init__(self, model: LanguageModel) -> None:
        self._model = model
        self._said = ""

    def taken(self) -> str:
        """What was said since this was last asked."""
        said, self._said = self._said, ""
        return said

    async def reply(
        self, model: str, messages: Sequence[dict[str, Any]], tools: Sequence[Tool] = ()
    ) -> AsyncIterator[ReplyPart]:
        if self._said:
            self._said += "\n"
        async for part in self._model.reply(model, messages, tools):
            if isinstance(part, TextPart):
                self._said += part.text
            yield part

    async def fill(
        self, model: str, messages: Sequence[dict[str, Any]], schema: dict[str, Any], name: str
    ) -> Filled:
        return await self._model.fill(model, messages, schema, name)

    async def warm(self, model: str, messages: Sequence[dict[str, Any]], tools: Sequence[Tool] = ()) -> None:
        await self._model.warm(model, messages, tools)

    async def close(self) -> None:
        await self._model.close()


class _Played:
    """A persona that a model plays."""

    def __init__(self, model: LanguageModel, persona: Persona, agent: Profile, calls: bool) -> None:
        profile = replace(profile_of_persona(persona, agent, calls=calls), tools=())
        self._dialogue = Dialogue(profile)
        self._model = model
        self._hello = persona.hello

    async def first(self) -> str:
        self._dialogue.agent_said(self._hello)
        return self._hello

    async def reply(self, heard: str) -> tuple[str, bool]:
        self._dialogue.user_said(heard)
        turn = await dialogues.reply(self._dialogue, self._model)
        return turn.text, turn.ended


class _Scripted:
    """A persona that says what is written: the first cue that fits and was not said yet, else the last that fits."""

    def __init__(self, script: Sequence[Cue]) -> None:
        self._script = script
        self._said: dict[Cue, int] = {}

    async def first(self) -> str:
        cue = next((cue for cue in self._script if cue.to == "^$"), None)
        if cue is None:
            return ""
        self._said[cue] = 1
        return cue.text

    async def reply(self, heard: str) -> tuple[str, bool]:
        cues = [cue for cue in self._script if cue.to != "^$"]
        fitting = [cue for cue in cues if re.search(cue.to, heard, re.IGNORECASE)]
        fresh = [cue for cue in fitting if cue not in self._said]
        again = [cue for cue in self._said if cue in fitting and cue.to]
        lost = Cue(say=LOST, hang_up=all(cue in self._said for cue in cues))
        cue = fresh[0] if fresh else again[-1] if again else lost
        if self._said.get(cue, 0) >= PATIENCE:
            return "", True
        self._said[cue] = self._said.pop(cue, 0) + 1
        return cue.text, cue.hang_up


def _read(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        return text
