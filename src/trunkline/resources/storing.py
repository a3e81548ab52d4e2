"""Values from outside as PostgreSQL can hold them."""

import math
from typing import Any


def storable(value: Any) -> Any:
    """The value as PostgreSQL's JSON can hold it: without NUL, halves of surrogate pairs, NaN and foreign types.

    Of what we made ourselves; what is sent to us is refused instead (`platform/http/wire.py`, `check_storable`).
    """
    match value:
        case None | bool() | int():
            return value
        case float():
            return value if math.isfinite(value) else None
        case dict():
            return {storable(str(key)): storable(inner) for key, inner in value.items()}
        case list() | tuple():
            return [storable(inner) for inner in value]
    return str(value).replace("\0", "").encode("utf-8", "replace").decode()
