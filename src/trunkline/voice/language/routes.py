"""Which endpoint answers for which model name."""

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import aclosing
from pathlib import Path
from typing import Any, Protocol

from pydantic import BaseModel, ConfigDict, SecretStr, TypeAdapter, ValidationError

from trunkline.errors import SetupError
from trunkline.voice.conversation.profile import Tool
from trunkline.voice.language.fallback import FallbackLanguageModel, ReplyBudget, Thinker
from trunkline.voice.language.ports import Filled, LanguageModel, ReplyPart
from trunkline.voice.standing import Standing

EMBEDDED_BUDGET = ReplyBudget(first=20.0, next=10.0)
"""The local model reads a new prompt at some 50 tokens a second."""


class Closing(Protocol):
    """Something to be let go of at the end."""

    async def close(self) -> None: ...


class Route(BaseModel):
    """One model name's endpoint."""

    model_config = ConfigDict(extra="forbid")

    base_url: str
    api_key: SecretStr = SecretStr("")
    model: str | None = None
    """The endpoint's own name; absent: the name that was asked for."""
    fallback: str | None = None
    """Another name in the file, which answers where this one fails, before the default does."""


class RoutedLanguageModel:
    """Fulfils LanguageModel: a name with a route goes there, all others to the default."""

    def __init__(
        self, default: LanguageModel, routes: Mapping[str, LanguageModel], owned: Sequence[Closing] = ()
    ) -> None:
        """`owned`: what is closed with it; the models themselves where there is nothing else."""
        self._default = default
        self._routes = dict(routes)
        self._owned = owned or (default, *self._routes.values())

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
        for each in self._owned:
            await each.close()


def language_model(
    base_url: str,
    api_key: str = "",
    *,
    embedded: bool = False,
    routes: Path | None = None,
    fallback: str | None = None,
    background: bool = False,
) -> LanguageModel:
    """The model of an installation.

    `embedded`: the endpoint is its own local model server. `background`: give way there to whoever talks. A name whose
    route fails is answered by the endpoint; where the endpoint fails, the route named by `fallback` answers.

    Raises SetupError when the file of routes cannot be used.
    """
    default = _embedded(base_url, background) if embedded else _openai(base_url, api_key)
    if routes is None:
        return default
    return _routed(default, read_routes(routes), embedded, fallback)


def _embedded(base_url: str, background: bool) -> LanguageModel:
    from trunkline.voice.language.embedded import EmbeddedLanguageModel  # heavy, as below

    return EmbeddedLanguageModel(base_url, background=background)


def _openai(base_url: str, api_key: str, upstream: str | None = None) -> LanguageModel:
    # A second of imports, most of it the SDK's types; commands that only look at the settings do without.
    from trunkline.voice.language.openai_llm import OpenAILanguageModel

    return OpenAILanguageModel(base_url, api_key, upstream)


def _routed(
    default: LanguageModel, routes: Mapping[str, Route], embedded: bool, fallback: str | None
) -> LanguageModel:
    """Each name with a chain of its own: its route, the one named as its fallback, then the default."""
    models = {
        name: _openai(route.base_url, route.api_key.get_secret_value(), route.model)
        for name, route in routes.items()
    }
    if fallback is not None and fallback not in models:
        raise SetupError(f"TRUNKLINE_LLM_FALLBACK names {fallback}, which TRUNKLINE_LLM_ROUTES does not")
    for name, route in routes.items():
        if route.fallback is not None and route.fallback not in models:
            raise SetupError(
                f"The route of {name} names {route.fallback} as its fallback, which has no route itself"
            )
    thinkers = {name: thinker(name, model) for name, model in models.items()}
    last = thinker("default", default)
    chains = {
        name: FallbackLanguageModel(
            [thinkers[name], *_one(thinkers, route.fallback if route.fallback != name else None), last]
        )
        for name, route in routes.items()
    }
    if fallback is not None:
        patient = EMBEDDED_BUDGET if embedded else None
        first: LanguageModel = FallbackLanguageModel([last, thinkers[fallback]], patient)
    else:
        first = default
    standings = [each.standing for each in (last, *thinkers.values())]
    return RoutedLanguageModel(first, chains, [*standings, default, *models.values()])


def _one(thinkers: Mapping[str, Thinker], name: str | None) -> list[Thinker]:
    return [] if name is None else [thinkers[name]]


def thinker(name: str, model: LanguageModel) -> Thinker:
    """A model of a chain; whether it is well again shows a request for one word under this name."""

    async def probe() -> None:
        async with aclosing(model.reply(name, [{"role": "user", "content": "Say yes."}])) as parts:  # type: ignore[type-var]
            await anext(parts, None)

    return Thinker(model, Standing(f"llm {name}", probe))


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
