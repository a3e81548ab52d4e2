"""Whom a call may be placed to: a number in E.164, or a SIP URI (RFC 3261, 19.1)."""

import re

_E164 = re.compile(r"\+[1-9][0-9]{6,14}")
_SIP = re.compile(
    r"sips?:(?:[^\s@<>\"',;?&]+@)?"
    r"(?:\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9](?:[A-Za-z0-9.\-]*[A-Za-z0-9])?)"
    r"(?::[0-9]{1,5})?(?:;[A-Za-z0-9\-]+(?:=[A-Za-z0-9.\-]+)?)*",
    re.IGNORECASE,
)
_SEPARATORS = re.compile(r"[\s().\-/]")
LONGEST = 255


def is_e164(text: str) -> bool:
    """Is it a number with its plus, 7 to 15 digits?"""
    return _E164.fullmatch(text) is not None


def plain(text: str) -> str:
    """A number without the separators that people write into it; a text that is no number stays."""
    bare = _SEPARATORS.sub("", text)
    return bare if re.fullmatch(r"\+?[0-9]*", bare) else text.strip()


def e164(text: str) -> str:
    """A number in E.164, without separators. Raises ValueError."""
    number = plain(text)
    if not is_e164(number):
        raise ValueError("must be a number in E.164, with its plus, such as +14155552671")
    return number


def target(text: str) -> str:
    """A number or SIP URI, without blanks around it. Raises ValueError."""
    text = text.strip()
    if is_e164(text) or (len(text) <= LONGEST and text.isascii() and _SIP.fullmatch(text)):
        return text
    raise ValueError("must be a number in E.164 such as +14155552671, or a SIP URI such as sip:user@host")
