import pytest

from tests.resources.knowledge.documents import HTML, Page, Web, pdf
from trunkline.errors import BadInput, OutboundFailed, OutboundRefused
from trunkline.platform.outbound.client import Outbound
from trunkline.resources.knowledge.fetching import REDIRECTS, Kind, fetch

SITE = "https://shop.example.com"


@pytest.mark.parametrize(
    ("page", "kind", "charset"),
    [
        (Page(HTML), Kind.HTML, ""),
        (Page(HTML, "text/html; Charset=ISO-8859-1; x=y"), Kind.HTML, "iso-8859-1"),
        (Page(HTML, 'application/xhtml+xml; charset="utf-8"'), Kind.HTML, "utf-8"),
        (Page(HTML, ""), Kind.HTML, ""),
        (Page("Words.", "text/plain"), Kind.PLAIN, ""),
        (Page("# Words", "text/markdown; charset=utf-8"), Kind.PLAIN, "utf-8"),
        (Page(pdf("Words"), "application/octet-stream"), Kind.PDF, ""),
        (Page(b"\n" + pdf("Words"), "text/html"), Kind.PDF, ""),
    ],
)
async def test_what_a_document_is(page: Page, kind: Kind, charset: str) -> None:
    document = await fetch(Web(faq=page), f"{SITE}/faq")
    assert (document.kind, document.charset) == (kind, charset)


async def test_redirects_are_followed_each_through_the_guard() -> None:
    web = Web(
        old=Page(status=301, headers={"location": "/new"}),
        new=Page(status=307, headers={"location": "https://www.example.com/faq"}),
        faq=Page(HTML),
    )
    assert (await fetch(web, f"{SITE}/old")).body == HTML.encode()
    assert web.asked == [f"{SITE}/old", f"{SITE}/new", "https://www.example.com/faq"]


async def test_redirects_have_an_end() -> None:
    web = Web(round=Page(status=302, headers={"location": "/round"}))
    with pytest.raises(BadInput, match="redirects more than"):
        await fetch(web, f"{SITE}/round")
    assert len(web.asked) == REDIRECTS + 1


@pytest.mark.parametrize("address", ["http://127.0.0.1:1/", "http://[::1]/", "http://169.254.169.254/latest"])
async def test_private_addresses_are_refused(address: str) -> None:
    outbound = Outbound()
    with pytest.raises(OutboundRefused):
        await fetch(outbound, address)
    await outbound.close()


@pytest.mark.parametrize("status", [404, 401, 403, 410, 204, 304])
async def test_nothing_there(status: int) -> None:
    with pytest.raises(BadInput, match=f"answered with status {status}"):
        await fetch(Web(faq=Page(status=status)), f"{SITE}/faq")


@pytest.mark.parametrize("status", [408, 425, 429, 500, 502, 503])
async def test_not_now(status: int) -> None:
    with pytest.raises(OutboundFailed, match=f"answered with status {status}"):
        await fetch(Web(faq=Page(status=status)), f"{SITE}/faq")


async def test_too_large_is_no_matter_of_time() -> None:
    with pytest.raises(BadInput, match="faq is larger than 16 MiB"):
        await fetch(Web(faq=OutboundFailed("the answer is larger", too_large=True)), f"{SITE}/faq")
    with pytest.raises(OutboundFailed):
        await fetch(Web(faq=OutboundFailed("not reached")), f"{SITE}/faq")


@pytest.mark.parametrize("media", ["image/png", "application/zip", "video/mp4"])
async def test_what_holds_no_text(media: str) -> None:
    with pytest.raises(BadInput, match=f"but {media}"):
        await fetch(Web(faq=Page(b"\x89", media)), f"{SITE}/faq")
