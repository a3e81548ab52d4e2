"""Files from their own addresses, resumable.

What came so far lies in `<file>.part`; the next try asks for the rest with a Range header (RFC 9110 section 14).
"""

from collections.abc import Callable
from pathlib import Path
from urllib.parse import urlsplit

import httpx2

from trunkline.errors import Unavailable
from trunkline.voice.models.manifest import ModelFile
from trunkline.voice.models.store import sha256_of

_TIMEOUT = httpx2.Timeout(30.0, connect=4.0)
_TRIES = 4

Advance = Callable[[int], None]


class Downloads:
    """Downloads that share connections and remember hosts that could not be reached. Thread-safe."""

    def __init__(self) -> None:
        self._client = httpx2.Client(timeout=_TIMEOUT, follow_redirects=True)
        self._away: set[str] = set()

    def close(self) -> None:
        self._client.close()

    def fetch(self, url: str, file: ModelFile, part: Path, advance: Advance) -> None:
        """Complete `part`. Raises Unavailable; a part with a wrong hash is removed.

        A host that does not take the connection is not asked again, so that a machine without internet
        falls back within seconds.
        """
        host = urlsplit(url).netloc
        last = ""
        for _ in range(_TRIES):
            if host in self._away:
                raise Unavailable(f"{host} cannot be reached")
            try:
                self._append(url, file, part, advance)
            except (httpx2.ConnectError, httpx2.ConnectTimeout) as error:
                self._away.add(host)
                raise Unavailable(f"{host} cannot be reached ({error or type(error).__name__})") from error
            except httpx2.HTTPStatusError as error:
                raise Unavailable(f"{url} answered {error.response.status_code}") from error
            except httpx2.TransportError as error:
                # Broken off: what came is kept, the next try goes on behind it.
                last = f"{url} broke off ({error or type(error).__name__})"
                continue
            if sha256_of(part) == file.sha256:
                return
            part.unlink()
            advance(0)
            last = f"{url} gave a file with a wrong sha256"
        raise Unavailable(last)

    def _append(self, url: str, file: ModelFile, part: Path, advance: Advance) -> None:
        have = part.stat().st_size if part.exists() else 0
        if have >= file.bytes:
            return
        headers = {"Accept-Encoding": "identity"}
        if have:
            headers["Range"] = f"bytes={have}-"
        with self._client.stream("GET", url, headers=headers) as answer:
            answer.raise_for_status()
            if have and answer.status_code != httpx2.codes.PARTIAL_CONTENT:
                have = 0
            with part.open("ab" if have else "wb") as target:
                for block in answer.iter_bytes():
                    have += len(block)
                    if have > file.bytes:
                        break
                    target.write(block)
                    advance(have)
