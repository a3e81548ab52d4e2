"""The durable job of a source: fetched, turned into text, cut into chunks, embedded.

    read_source ──► chunks stored ──► vectors, a few at a time ──► ready

A job ends after `SLICE` seconds of embedding and enqueues the next, so that sources take turns and a worker that
stops loses little. It goes on where the last one ended, however that ended.
"""

import asyncio
import time
from contextlib import suppress
from uuid import UUID

import structlog

from trunkline.errors import BadInput, OutboundFailed, ProviderError, SetupError
from trunkline.platform.outbound.client import Outbound
from trunkline.platform.storage.database import Database
from trunkline.platform.work.jobs import Jobs
from trunkline.resources.knowledge.chunking import cut
from trunkline.resources.knowledge.fetching import Kind, fetch
from trunkline.resources.knowledge.models import KnowledgeSource
from trunkline.resources.knowledge.reading import text_of
from trunkline.resources.knowledge.steps import READ_SOURCE, Stale, Steps, preview_of
from trunkline.voice.language.embeddings import Embeddings

log = structlog.get_logger(__name__)

AGAIN_AFTER = (5.0, 60.0, 600.0, 3600.0)
"""Seconds before each further try of an address that gave no answer."""
MOST_TRIES = len(AGAIN_AFTER) + 1
SLICE = 15.0
"""Seconds."""
TOGETHER = 16
"""Chunks that are embedded and stored at a time."""

_NO_TEXT = "No text was found in it. A PDF of pictures must be made searchable; a page must show its text without scripts."
_GIVEN_UP = f"It was begun {MOST_TRIES} times and never got on. Send it again in smaller parts."


class KnowledgeTasks:
    """The durable work of knowledge bases. Everything may run twice, or in two workers at once."""

    def __init__(
        self, database: Database, outbound: Outbound, embeddings: Embeddings, slice_s: float = SLICE
    ) -> None:
        self._database = database
        self._outbound = outbound
        self._embeddings = embeddings
        self._slice_s = slice_s

    def register(self, jobs: Jobs) -> None:
        """Tell the worker of the slow jobs what there is to do."""
        jobs.task(READ_SOURCE)(self.read_source)

    async def read_source(self, workspace_id: str, source_id: str, version: int) -> None:
        """The job of one version of a source; it leaves any other alone."""
        steps = Steps(self._database, UUID(workspace_id), UUID(source_id), version)
        with suppress(Stale):
            source = await steps.begin()
            try:
                await self._go_on(steps, source)
            except OutboundFailed as error:
                await _put_off(steps, source, str(error))
            except (BadInput, SetupError, ProviderError) as error:
                await steps.fail(str(error))
                log.info("source_failed", source=source_id, type=source.type, error=type(error).__name__)

    async def _go_on(self, steps: Steps, source: KnowledgeSource) -> None:
        # Whoever raises what is not expected has no time to say so: a crash, a death, a fault of ours.
        if source.tries > MOST_TRIES:
            raise BadInput(_GIVEN_UP)
        if source.chunk_count is None:
            text = await steps.content() if source.type == "text" else await self._fetched(source)
            chunks = await asyncio.to_thread(cut, text)
            if not chunks:
                raise BadInput(_NO_TEXT)
            await steps.store_chunks(chunks, preview_of(text))
        until = time.monotonic() + self._slice_s
        while left := await steps.without_vector(TOGETHER):
            positions, texts = zip(*left, strict=True)
            await steps.store_vectors(positions, await self._embeddings.embed(texts))
            if time.monotonic() >= until:
                await steps.go_on()
                return
        await steps.done()
        log.info("source_read", source=str(source.id), type=source.type)

    async def _fetched(self, source: KnowledgeSource) -> str:
        document = await fetch(self._outbound, source.url)
        if source.type == "pdf" and document.kind is not Kind.PDF:
            raise BadInput(f"{source.url} is no PDF; send the address of one, or a source of the type web.")
        return await text_of(document)


async def _put_off(steps: Steps, source: KnowledgeSource, reason: str) -> None:
    if source.tries >= MOST_TRIES:
        await steps.fail(f"{reason}. It was tried {MOST_TRIES} times; send the address again to try anew.")
        return
    seconds = AGAIN_AFTER[source.tries - 1]
    await steps.put_off(seconds, f"{reason}. It is tried again in {seconds:.0f} s.")
