"""A program that turns a document into text: `python -I reader.py pdf|html|plain [charset] < document > text`.

It runs apart from the worker, without its environment: whoever made the document may want to hang, to fill the
memory of, or to take over what parses it. Therefore it imports nothing of ours.

Exit status 0: the text is on the standard output. 3: it cannot be read, and the reason stands there instead.
"""

import io
import resource
import sys
from contextlib import suppress

LARGEST_TEXT = 16 * 1024 * 1024
"""Letters."""
MEMORY = 1 << 30
"""Bytes of address space."""
REFUSED = 3


class Refused(Exception):
    """The document cannot be read; the text says why."""


def main() -> int:
    """Read the document on the standard input; the exit status."""
    with suppress(OSError, ValueError):  # where the system knows no such limit, the time limit must do
        resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    document = sys.stdin.buffer.read()
    try:
        text, status = read(document, *sys.argv[1:]), 0
    except Refused as refused:
        text, status = str(refused), REFUSED
    sys.stdout.buffer.write(text.encode("utf-8", "replace"))
    return status


def read(document: bytes, kind: str, charset: str = "") -> str:
    """The text of a document. Raises Refused."""
    if kind == "pdf":
        return pdf(document)
    page = decoded(document, charset)
    if kind == "html":
        return html(document if page is None else page)
    return document.decode("utf-8", "replace") if page is None else page


def decoded(document: bytes, charset: str) -> str | None:
    """The letters of a document, if they are written as the server says, or in UTF-8."""
    for name in (charset, "utf-8"):
        with suppress(LookupError, UnicodeError):
            return document.decode(name)
    return None


def pdf(document: bytes) -> str:
    """The text of all pages, a blank line between them."""
    from pypdf import PdfReader
    from pypdf.errors import PyPdfError

    try:
        reader = PdfReader(io.BytesIO(document))
        if reader.is_encrypted and not reader.decrypt(""):
            raise Refused("The PDF is protected by a password; send one that is not.")
        pages: list[str] = []
        room = LARGEST_TEXT
        for page in reader.pages:
            pages.append(page.extract_text())
            room -= len(pages[-1])
            if room < 0:
                raise Refused("The PDF holds more than 16 MiB of text; split it.")
    except (PyPdfError, ValueError, KeyError, TypeError, AttributeError, IndexError, RecursionError) as error:
        raise Refused(f"The PDF is damaged ({type(error).__name__}); make it anew.") from error
    return "\n\n".join(pages)


def html(page: bytes | str) -> str:
    """The main text of a page; all of its text where no main part is found."""
    import trafilatura

    return trafilatura.extract(page, include_comments=False, favor_recall=True) or trafilatura.html2txt(page)


if __name__ == "__main__":
    sys.exit(main())
