"""The language models that nouns think with outside of a live call: chats, simulations, verdicts."""

from dataclasses import dataclass
from typing import Annotated

from fastapi import Depends, Request

from trunkline.voice.language.ports import LanguageModel


@dataclass(frozen=True)
class Language:
    """The same models twice: they differ in who waits at the local model server's gate."""

    talk: LanguageModel
    """For somebody who waits for the answer."""
    think: LanguageModel
    """For work in the background; gives way to whoever talks."""

    async def close(self) -> None:
        """Let go of connections."""
        await self.talk.close()
        await self.think.close()


def _language(request: Request) -> Language:
    language: Language = request.app.state.language
    return language


Models = Annotated[Language, Depends(_language)]
