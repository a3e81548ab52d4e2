"""Documents of the tests, and a web that serves them."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from trunkline.platform.outbound.client import Answer, Outbound


def pdf(*pages: str) -> bytes:
    """A PDF with one line of text a page."""
    kids = " ".join(f"{4 + 2 * n} 0 R" for n in range(len(pages)))
    objects = [
        b"<< /Type /Catalog /Pages 2 0 R >>",
        f"<< /Type /Pages /Kids [{kids}] /Count {len(pages)} >>".encode(),
        b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>",
    ]
    for n, words in enumerate(pages):
        content = f"BT /F1 12 Tf 72 720 Td ({words}) Tj ET".encode()
        objects.append(
            f"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 612 792] /Contents {5 + 2 * n} 0 R "
            "/Resources << /Font << /F1 3 0 R >> >> >>".encode()
        )
        objects.append(b"<< /Length %d >>\nstream\n%b\nendstream" % (len(content), content))
    return assembled(objects)


def assembled(objects: list[bytes]) -> bytes:
    """A PDF file of these objects, the catalogue first."""
    body = b"%PDF-1.4\n"
    places = []
    for number, each in enumerate(objects, 1):
        places.append(len(body))
        body += b"%d 0 obj\n%b\nendobj\n" % (number, each)
    table = b"".join(b"%010d 00000 n \n" % place for place in places)
    size = len(objects) + 1
    return body + (
        b"xref\n0 %d\n0000000000 65535 f \n%btrailer\n<< /Size %d /Root 1 0 R >>\nstartxref\n%d\n%%%%EOF\n"
        % (size, table, size, len(body))
    )


HTML = """<!doctype html><html><head><title>Shop</title><script>var hidden = 1;</script></head><body>
<nav><a href="/">Home</a> <a href="/cart">Cart</a> <a href="/login">Log in</a></nav>
<article><h1>Delivery</h1>
<p>Parcels are sent on the day of the order if it comes before noon, and arrive two days later in most places.</p>
<p>Fragile goods travel in wooden boxes, which we take back for free when the courier comes the next time.</p>
</article><footer>Copyright, all rights reserved</footer></body></html>"""


@dataclass
class Page:
    """What an address answers with."""

    body: bytes | str = b""
    media: str = "text/html"
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)


class Web(Outbound):
    """Answers from memory; an exception in place of a page is raised."""

    def __init__(self, **pages: Page | Exception) -> None:
        super().__init__()
        self.pages = pages
        self.asked: list[str] = []

    async def send(
        self,
        method: str,
        url: str,
        *,
        headers: Mapping[str, str] | None = None,
        content: bytes | None = None,
        within: float = 15.0,
        largest: int = 1 << 20,
        whole: bool = True,
    ) -> Answer:
        assert method == "GET"
        assert largest == 16 * 1024 * 1024
        self.asked.append(url)
        page = self.pages[url.rpartition("/")[2]]
        if isinstance(page, Exception):
            raise page
        body = page.body if isinstance(page.body, bytes) else page.body.encode()
        return Answer(page.status, {"content-type": page.media, **page.headers}, body, 1, 1)
