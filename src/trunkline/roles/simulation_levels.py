"""What a process can simulate calls with, by the settings."""

from trunkline.errors import BadInput
from trunkline.resources.simulations.suite_file import Level
from trunkline.resources.simulations.text_level import OnEvent
from trunkline.resources.simulations.trials import Play, in_text
from trunkline.settings import Settings
from trunkline.voice.answers import Answers
from trunkline.voice.language.ports import LanguageModel


class HereLevels:
    """Fulfils assignments.Levels."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings

    def play(self, level: Level, model: LanguageModel, answers: Answers, on_event: OnEvent) -> Play:
        """How calls of this level are made. Raises BadInput."""
        if level is Level.TEXT:
            return in_text(model, on_event)
        raise BadInput(f"The level {level.value} is not run by workers yet; use text.")
