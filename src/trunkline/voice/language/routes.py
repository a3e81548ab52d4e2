"""Which endpoint answers for which model name."""

from collections.abc import AsyncIterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, SecretStr, TypeAdapter, ValidationError

from trunkline.errors import SetupError
from trunkline.voice.conversation.profile import Tool
from trunkline.voice.language.embedded import EmbeddedLanguageModel
from trunkline.voice.language.openai_llm import OpenAILanguageModel
from trunkline.voice.language.ports import Filled, LanguageModel, ReplyPart


class Route(BaseModel):
    """One model name's endpoint."""

    model_config = ConfigDict(extra="forbid")

    base_url: str
    api_key: SecretStr = SecretStr("")
    model: str | None = None
    """The endpoint's own name; absent: the name that was asked for."""


class RoutedLanguageModel:
    """Fulfils LanguageModel: a name with a route goes there, all others to the default."""

    def __init__(self, default: LanguageModel, routes: Mapping[str, LanguageModel]) -> None:
        self._default = default
        self._routes = dict(routes)

    def reply(
        self, model: str, messages: Sequence[dict[str, Any]], tools: Sequence[Tool] = ()
    ) -> AsyncIterator[ReplyPart]:
        return self._routes.get(model, self._default).reply(model, messages, tools)

    async def fill(
        self, model: str, messages: Sequence[dict[str, Any]], schema: dict[str, Any], name: str
    ) -> Filled:
        return await self._routes.get(model, self._default).fill(model, messages, schema, name)

    async def warm(self, model: str, messages: Sequence[dict[str, Any]], tools: Sequence[Tool] = ()) -> None:
        await self._routes.get(model, self._default).warm(model, messages, tools)

    async def close(self) -> None:
        for each in (self._default, *self._routes.values()):
            await each.close()


def language_model(
    base_url: str,
    api_key: str = "",
    *,
    embedded: bool = False,
    routes: Path | None = None,
    background: bool = False,
) -> LanguageModel:
    """The model of an installation.

    `embedded`: the endpoint is its own local model server. `background`: give way there to whoever talks.

    Raises SetupError when the file of routes cannot be used.
    """
    default: LanguageModel = (
        EmbeddedLanguageModel(base_url, background=background)
        if embedded
        else OpenAILanguageModel(base_url, api_key)
    )
    if routes is None:
        return default
    return RoutedLanguageModel(
        default,
        {
            name: OpenAILanguageModel(route.base_url, route.api_key.get_secret_value(), route.model)
            for name, route in read_routes(routes).items()
        },
    )


def read_routes(file: Path) -> dict[str, Route]:
    """The routes by model name. Raises SetupError, which says what is wrong."""
    try:
        return TypeAdapter(dict[str, Route]).validate_json(file.read_bytes())
    except OSError as error:
        raise SetupError(
            f"TRUNKLINE_LLM_ROUTES names {file}, which cannot be read: {error.strerror}."
        ) from error
    except ValidationError as error:
        first = error.errors(include_input=False)[0]
        where = ".".join(map(str, first["loc"]))
        raise SetupError(
            f'{file} is not a JSON object of model name → {{"base_url", "api_key", "model"}}: {where}: {first["msg"]}'
        ) from error
