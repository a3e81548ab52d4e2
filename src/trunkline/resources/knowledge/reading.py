"""Turns a document into text, in a process of its own with an end."""

import asyncio
import sys
from contextlib import suppress
from pathlib import Path

from trunkline.errors import BadInput
from trunkline.resources.knowledge import reader
from trunkline.resources.knowledge.fetching import Document

WITHIN = 120.0
"""Seconds."""


async def text_of(document: Document, within: float = WITHIN) -> str:
    """What can be read in a document, perhaps nothing; without NUL, which PostgreSQL does not keep.

    Raises:
        BadInput: it is damaged, protected or too much; the text says which.
    """
    program = (sys.executable, "-I", "-X", "utf8", str(Path(reader.__file__)))
    process = await asyncio.create_subprocess_exec(
        *program,
        document.kind,
        document.charset,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
        env={},
    )
    try:
        async with asyncio.timeout(within):
            said, _ = await process.communicate(document.body)
    except TimeoutError as error:
        raise BadInput(
            f"The document was not read within {within:g} s; split it, or send a simpler one."
        ) from error
    finally:
        if process.returncode is None:
            with suppress(ProcessLookupError):
                process.kill()
            await process.wait()
    text = said.decode().replace("\x00", "")
    if process.returncode == reader.REFUSED:
        raise BadInput(text)
    if process.returncode != 0:
        raise BadInput("The document cannot be read: it is damaged, or takes too much memory; make it anew.")
    return text
