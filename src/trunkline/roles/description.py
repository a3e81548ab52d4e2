"""`python -m trunkline.roles.description`: the OpenAPI document of this version, without a database or a port.

Clients are generated from it (`make client`).
"""

import json
import sys

from trunkline.platform.http.app import bare_app
from trunkline.resources.routers import ROUTERS


def document() -> str:
    """The document as it is committed: sorted, so that a change shows as one."""
    return json.dumps(bare_app(ROUTERS).openapi(), indent=1, sort_keys=True, ensure_ascii=False) + "\n"


if __name__ == "__main__":
    sys.stdout.write(document())
