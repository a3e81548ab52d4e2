"""The reader as it is run: in a process of its own."""

import io
import re
import zlib

import pytest
from pypdf import PdfWriter

from tests.resources.knowledge.documents import HTML, assembled, pdf
from trunkline.errors import BadInput
from trunkline.resources.knowledge.fetching import Document, Kind
from trunkline.resources.knowledge.reading import text_of


async def test_a_pdf() -> None:
    text = await text_of(Document(Kind.PDF, pdf("Prices of 2026", "Tea costs 3 euros"), ""))
    assert text == "Prices of 2026\n\nTea costs 3 euros"


async def test_a_page_without_its_menus() -> None:
    text = await text_of(Document(Kind.HTML, HTML.encode(), ""))
    assert "Parcels are sent on the day" in text
    assert "wooden boxes" in text
    for noise in ("Log in", "hidden", "Copyright"):
        assert noise not in text


async def test_a_page_that_is_all_menu() -> None:
    page = "<html><body><div><span>Ring 555 0100</span></div></body></html>"
    assert "Ring 555 0100" in await text_of(Document(Kind.HTML, page.encode(), ""))


@pytest.mark.parametrize(
    ("body", "charset"),
    [
        ("Über".encode("latin-1"), "iso-8859-1"),
        ("Über".encode(), ""),
        ("Über".encode(), "utf-8"),
        ("Über".encode(), "no-such-thing"),
        ("Über".encode(), "hex"),  # a codec that makes no text
        ("Über".encode(), "ascii"),
    ],
)
async def test_letters(body: bytes, charset: str) -> None:
    assert await text_of(Document(Kind.PLAIN, body, charset)) == "Über"
    page = b"<html><body><p>" + body + b" " + b"long enough to be seen as text " * 20 + b"</p></body></html>"
    assert "Über" in await text_of(Document(Kind.HTML, page, charset))


async def test_nul_is_dropped_and_broken_letters_are_replaced() -> None:
    assert await text_of(Document(Kind.PLAIN, b"a\x00b \xff c", "")) == "ab \ufffd c"


@pytest.mark.parametrize(
    "body",
    [
        b"%PDF-1.4\nnothing more",
        b"%PDF-",
        pdf("Words")[:200],
        assembled([b"<< /Type /Catalog /Pages 1 0 R >>"]),
        assembled([b"<< /Type /Catalog /Pages 2 0 R >>", b"<< /Type /Pages /Kids [2 0 R] /Count 9 >>"]),
        assembled([b"[" * 100_000]),
    ],
)
async def test_damaged_pdfs_are_refused_or_hold_nothing(body: bytes) -> None:
    assert await _refusal(body) in (None, "damaged")


async def _refusal(body: bytes) -> str | None:
    """Why a PDF is refused; None when it is read and holds nothing."""
    try:
        text = await text_of(Document(Kind.PDF, body, ""), within=60)
    except BadInput as error:
        [reason] = re.findall("is damaged \\(|too much memory", str(error))
        return "damaged" if reason.endswith("(") else "memory"
    assert text == ""
    return None


async def test_a_bomb_comes_to_nothing() -> None:
    packed = zlib.compress(b"(A) Tj " * 20_000_000, 9)
    bomb = [
        b"<< /Type /Catalog /Pages 2 0 R >>",
        b"<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
        b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 9 9] /Contents 4 0 R >>",
        b"<< /Length %d /Filter /FlateDecode >>\nstream\n%b\nendstream" % (len(packed), packed),
    ]
    await _refusal(assembled(bomb))


async def test_a_password() -> None:
    writer = PdfWriter()
    writer.add_blank_page(72, 72)
    writer.encrypt("secret", algorithm="AES-256")
    file = io.BytesIO()
    writer.write(file)
    with pytest.raises(BadInput, match="protected by a password"):
        await text_of(Document(Kind.PDF, file.getvalue(), ""))


async def test_what_takes_too_long_is_broken_off() -> None:
    with pytest.raises(BadInput, match=r"not read within 0\.05 s"):
        await text_of(Document(Kind.HTML, HTML.encode() * 1000, ""), within=0.05)
