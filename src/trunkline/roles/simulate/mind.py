"""Who thinks in a run: the model of the settings, or a script in its place."""

import hashlib
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from pydantic import ValidationError

from trunkline.errors import BadInput
from trunkline.roles.language import endpoint, thinking
from trunkline.settings import Settings
from trunkline.voice.language.ports import LanguageModel
from trunkline.voice.language.twins import Line, Said, ScriptedLanguageModel
from trunkline.voice.scripted import chat
from trunkline.voice.scripted.script import ChatScript

_FORM = "[Answer with the "
"""Begins what a form asks for in words."""


def mind(settings: Settings, script: Path | None) -> str:
    """Who thinks, as far as it decides what is answered. Raises BadInput for a script that cannot be read."""
    if script is not None:
        return f"script {hashlib.sha256(_read(script).encode()).hexdigest()[:12]}"
    found = endpoint(settings)
    return f"model at {found.base_url}" if found else "nobody"


@asynccontextmanager
async def thinker(settings: Settings, script: Path | None) -> AsyncIterator[LanguageModel]:
    """The model for as long as a run goes on."""
    if script is not None:
        yield scripted(script)
        return
    async with thinking(settings) as language:
        yield language.think


def scripted(path: Path) -> ScriptedLanguageModel:
    """A model that answers by a script as `trunkline scripted` reads it, its member `llm` alone. Raises BadInput."""
    try:
        script = ChatScript.model_validate(json.loads(_read(path)).get("llm", {}))
    except ValidationError as error:
        first = error.errors()[0]
        raise BadInput(f"{path}: llm.{'.'.join(map(str, first['loc']))}: {first['msg']}") from None
    except (ValueError, AttributeError) as error:
        raise BadInput(f"{path}: is no JSON object: {error}") from None

    def rule(messages: object) -> Said:
        assert isinstance(messages, list | tuple)
        said = chat.reply(script, list(messages))
        if (form := _form(messages[-1].get("content"))) is not None:
            return Line(chat.shaped(said, form).text)
        tool = said.tools[0] if said.tools else None
        return Line(said.text, tool.name if tool else None, tool.arguments if tool else {})

    return ScriptedLanguageModel(rule=rule)


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except OSError as error:
        raise BadInput(f"{path}: cannot be read ({error.strerror}); name a JSON file") from None


def _form(asked: object) -> dict[str, object] | None:
    """The schema of a form that is asked for in words."""
    if not isinstance(asked, str) or _FORM not in asked:
        return None
    schema: dict[str, object] = json.loads(asked[asked.rindex("JSON schema: ") + 13 : -1])
    return schema
