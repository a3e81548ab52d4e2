"""Which contact a caller is: by the number in E.164, and by nothing else.

A workspace has one contact a number (a unique constraint, and the API answers 409 to a second one), so there are no
duplicates to choose among. Names, e-mail and what a caller says of themselves match nobody.
"""

import re
from urllib.parse import unquote

from trunkline.resources.calls import phone

_URI = re.compile(r"(?:sips?|tel):([^@;?]+)", re.IGNORECASE)
_INTERNATIONAL = re.compile(r"00(?=[1-9])")
_WITHOUT_PLUS = re.compile(r"[1-9][0-9]{10,14}")
"""As many trunks send it. With fewer digits it may be a national number, which would be somebody else's abroad."""
_WITHHELD = frozenset({"+266696687", "+7378742833", "+2562533", "+8656696", "+86282452253", "+7748283"})
"""ANONYMOUS, RESTRICTED, BLOCKED, UNKNOWN, UNAVAILABLE and PRIVATE on the keys of a phone, as carriers send them."""


def number_of(other_party: str) -> str | None:
    """The number in E.164 of a number, a SIP URI or a tel URI; None when nobody can be known by it."""
    text = other_party.strip()
    uri = _URI.match(text)
    number = phone.plain(unquote(uri[1]) if uri else text)
    number = _INTERNATIONAL.sub("+", number, count=1) if number.startswith("00") else number
    if _WITHOUT_PLUS.fullmatch(number):
        number = f"+{number}"
    return number if phone.is_e164(number) and number not in _WITHHELD else None
