"""What a process can simulate calls with, by the settings."""

from contextlib import AsyncExitStack
from types import TracebackType
from typing import TYPE_CHECKING

from trunkline.errors import SetupError
from trunkline.resources.simulations.callee import Callee
from trunkline.resources.simulations.levels import InVoice
from trunkline.resources.simulations.suite_file import Level
from trunkline.resources.simulations.text_level import OnEvent
from trunkline.resources.simulations.trials import Play, Subject, in_text
from trunkline.roles.simulate.plan import Speech
from trunkline.settings import Settings
from trunkline.voice.answers import Answers
from trunkline.voice.language.ports import LanguageModel

if TYPE_CHECKING:
    from trunkline.roles.simulate.line import Phone
    from trunkline.roles.simulate.speech import Ensemble


class HereLevels:
    """Fulfils assignments.Levels; within `async with`. What calls with sound need is loaded for the first of them."""

    def __init__(self, settings: Settings, speech: Speech = Speech.REAL) -> None:
        self._settings = settings
        self._speech = speech
        self._loaded: Ensemble | None = None
        self._phone: Phone | None = None
        self._stack = AsyncExitStack()

    async def __aenter__(self) -> "HereLevels":
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._stack.aclose()

    async def play(
        self,
        level: Level,
        subject: Subject,
        model: LanguageModel,
        answers: Answers,
        on_event: OnEvent,
        callee: Callee | None,
    ) -> Play:
        """How calls of this level are made. Raises SetupError, and what loading the parts of speech raises."""
        match level:
            case Level.TEXT:
                return in_text(model, on_event)
            case Level.VOICE:
                return InVoice((await self._ensemble()).parts(subject, model, answers), on_event)
            case Level.LINE:
                return await self._on_line(model, on_event, callee)

    async def _on_line(self, model: LanguageModel, on_event: OnEvent, callee: Callee | None) -> Play:
        if callee is None:
            raise SetupError("No platform is named that could be called.")
        from trunkline.roles.simulate.line import OnLine, Phone  # heavy; most calls do without

        loaded = await self._ensemble()
        if self._phone is None:
            self._phone = await self._stack.enter_async_context(Phone.ready(loaded.vad))
        return OnLine(self._phone, callee, loaded.person(model), on_event)

    async def _ensemble(self) -> "Ensemble":
        if self._loaded is None:
            from trunkline.roles.simulate.speech import ensemble  # heavy; calls in text do without

            found = ensemble(self._settings, self._speech, scripted=False)
            self._loaded = await self._stack.enter_async_context(found)
        return self._loaded
