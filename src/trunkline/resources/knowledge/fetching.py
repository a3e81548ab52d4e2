"""Fetches the document of a source through the guarded client."""

from dataclasses import dataclass
from enum import StrEnum
from urllib.parse import urljoin

from trunkline.errors import BadInput, OutboundFailed
from trunkline.platform.outbound.client import Answer, Outbound

LARGEST = 16 * 1024 * 1024
"""Bytes of a document."""
WITHIN = 60.0
"""Seconds for each request."""
REDIRECTS = 5

_MOVED = frozenset({301, 302, 303, 307, 308})
_LATER = frozenset({408, 425, 429})
_ACCEPT = {"Accept": "text/html, application/xhtml+xml, application/pdf, text/plain;q=0.9, */*;q=0.1"}


class Kind(StrEnum):
    """What a document is."""

    PDF = "pdf"
    HTML = "html"
    PLAIN = "plain"


@dataclass(frozen=True)
class Document:
    """What was fetched."""

    kind: Kind
    body: bytes
    charset: str
    """As the server names it; "" where it does not."""


async def fetch(outbound: Outbound, url: str) -> Document:
    """The document at an address; redirects are followed, each checked like the first address.

    Raises:
        OutboundRefused: an address is not public, or is none.
        OutboundFailed: no answer, or one that says to try again later.
        BadInput: there is nothing, or nothing that can be read.
    """
    for _ in range(REDIRECTS + 1):
        try:
            answer = await outbound.send("GET", url, headers=_ACCEPT, within=WITHIN, largest=LARGEST)
        except OutboundFailed as error:
            if error.too_large:
                raise BadInput(f"{url} is larger than {LARGEST // 2**20} MiB; split it.") from error
            raise
        if answer.status not in _MOVED or "location" not in answer.headers:
            return _document(answer, url)
        url = urljoin(url, answer.headers["location"])
    raise BadInput(f"The address redirects more than {REDIRECTS} times; send the one that it leads to.")


def _document(answer: Answer, url: str) -> Document:
    if answer.status >= 500 or answer.status in _LATER:
        raise OutboundFailed(f"{url} answered with status {answer.status}")
    if answer.status != 200:
        raise BadInput(f"{url} answered with status {answer.status}; correct the address or open it to all.")
    media, _, parameters = answer.headers.get("content-type", "").partition(";")
    charset = parameters.lower().partition("charset=")[2].split(";")[0].strip(" \"'")
    return Document(_kind(media.strip().lower(), answer.body, url), answer.body, charset)


def _kind(media: str, body: bytes, url: str) -> Kind:
    if body[:1024].lstrip().startswith(b"%PDF-"):
        return Kind.PDF
    if media in ("", "text/html", "application/xhtml+xml", "application/xml", "text/xml"):
        return Kind.HTML
    if media.startswith("text/"):
        return Kind.PLAIN
    raise BadInput(f"{url} is neither a page, a text nor a PDF but {media}; send another address.")
