"""Which language models a role thinks with, by the settings."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from trunkline.errors import Unavailable
from trunkline.resources.language import Language
from trunkline.roles import runfile
from trunkline.settings import Settings
from trunkline.voice.conversation.profile import Tool
from trunkline.voice.language.ports import Filled, LanguageModel, ReplyPart
from trunkline.voice.language.routes import language_model

ABSENT = (
    "no language model: set TRUNKLINE_LLM_BASE_URL to an OpenAI-compatible endpoint, or start everything "
    "at once with `trunkline serve`"
)


@dataclass(frozen=True)
class ModelEndpoint:
    """The endpoint of the installation's language model."""

    base_url: str
    embedded: bool
    """It is the installation's own local model server."""
    api_key: str = field(default="", repr=False)


def endpoint(settings: Settings) -> ModelEndpoint | None:
    """The endpoint that is set, or that of the platform which runs under this home; None without either."""
    key = settings.llm_api_key.get_secret_value() if settings.llm_api_key else ""
    if settings.llm_base_url is not None:
        return ModelEndpoint(settings.llm_base_url, settings.llm_embedded, key)
    running = runfile.read(settings.home)
    return None if running is None else ModelEndpoint(running.llm_url, running.llm_embedded, key)


@asynccontextmanager
async def thinking(settings: Settings) -> AsyncIterator[Language]:
    """The models for as long as a role runs. Raises SetupError for a file of routes that cannot be used."""
    language = Language(talk=_model(settings, background=False), think=_model(settings, background=True))
    try:
        yield language
    finally:
        await language.close()


def _model(settings: Settings, *, background: bool) -> LanguageModel:
    found = endpoint(settings)
    if found is None:
        return AbsentLanguageModel()
    return language_model(
        found.base_url,
        found.api_key,
        embedded=found.embedded,
        routes=settings.llm_routes,
        fallback=settings.llm_fallback,
        background=background,
    )


class AbsentLanguageModel:
    """Fulfils LanguageModel where none is set: the role runs, and what needs a model is told what to do."""

    async def reply(
        self, model: str, messages: Sequence[dict[str, Any]], tools: Sequence[Tool] = ()
    ) -> AsyncIterator[ReplyPart]:
        for part in self._parts():
            yield part

    async def fill(
        self, model: str, messages: Sequence[dict[str, Any]], schema: dict[str, Any], name: str
    ) -> Filled:
        raise _unavailable()

    async def warm(self, model: str, messages: Sequence[dict[str, Any]], tools: Sequence[Tool] = ()) -> None:
        return

    async def close(self) -> None:
        return

    def _parts(self) -> Sequence[ReplyPart]:
        raise _unavailable()


def _unavailable() -> Unavailable:
    return Unavailable(f"There is {ABSENT}.")
