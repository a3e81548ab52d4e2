"""Personal data out of texts: cards, social security numbers, names, e-mail addresses, phones, postal addresses.

Rules and lists, no model: how much they find and why no model does it stands in decision 13. They are made for
English; digits, e-mail addresses and phone numbers are found whatever is spoken around them.
"""

from trunkline.resources.redaction.redacting import (
    names_in,
    names_in_value,
    redact,
    redact_lines,
    redact_url,
    redact_value,
)

__all__ = ["names_in", "names_in_value", "redact", "redact_lines", "redact_url", "redact_value"]
