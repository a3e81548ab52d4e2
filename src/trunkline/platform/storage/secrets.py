"""The installation's secret: encryption at rest, hashes of API keys, signatures of links.

One text (TRUNKLINE_SECRET_KEY, or a file made under home) from which a key is derived for each purpose, so that
none of them tells anything about another. Several texts, separated by commas, rotate it: the first is used for
new things, all of them for what is there.
"""

import hmac
import json
import os
import secrets
import time
from base64 import urlsafe_b64encode
from hashlib import sha256
from pathlib import Path
from urllib.parse import urlencode
from uuid import UUID

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from sqlalchemy.dialects.postgresql import insert

from trunkline.errors import SetupError
from trunkline.platform.storage.database import Database
from trunkline.platform.storage.models import Installation

SHORTEST = 16
"""Characters of a secret key."""
_FINGERPRINT = "secret_key"  # key in `installation`

NODE_TOKEN_HEADER = "X-Trunkline-Node-Token"  # noqa: S105 - the header's name
"""How a process of this installation shows itself to a voice host's control."""


class SecretBox:
    """Keeps what must not be read from the rows alone. Built from the installation's secret key."""

    def __init__(self, text: str) -> None:
        """`text` is one key, or several with commas between, newest first. Raises SetupError on a short one."""
        keys = [part.strip() for part in text.split(",") if part.strip()]
        if not keys or min(map(len, keys)) < SHORTEST:
            raise SetupError(
                f"TRUNKLINE_SECRET_KEY must have at least {SHORTEST} characters (each, where commas separate several); "
                "unset it to have one made."
            )
        self._fernet = MultiFernet([Fernet(urlsafe_b64encode(_derive(key, b"encryption"))) for key in keys])
        self._peppers = [_derive(key, b"api keys") for key in keys]
        self._signers = [_derive(key, b"links") for key in keys]
        self._fingerprints = [_derive(key, b"fingerprint").hex()[:32] for key in keys]
        self._node_token = _derive(keys[0], b"nodes").hex()

    @classmethod
    def load(cls, home: Path, chosen: str | None) -> "SecretBox":
        """From `chosen`, or from `home/keys/secret.key`, which is made (0600) when absent."""
        if chosen is not None:
            return cls(chosen)
        path = home.expanduser() / "keys" / "secret.key"
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        try:
            with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
                file.write(secrets.token_urlsafe(32) + "\n")
                file.flush()
                os.fsync(file.fileno())
        except FileExistsError:
            pass
        return cls(path.read_text().strip())

    async def check(self, database: Database) -> None:
        """Remembers this key as the installation's, or raises SetupError when another one is."""
        async with database.system() as session:
            first = insert(Installation).values(key=_FINGERPRINT, value=self._fingerprints[0])
            await session.execute(first.on_conflict_do_nothing())
            row = await session.get_one(Installation, _FINGERPRINT, with_for_update=True)
            if row.value not in self._fingerprints:
                raise SetupError(
                    "The secret key is not the one that this database was set up with: API keys and stored passwords "
                    "could not be read. Put the former key back (TRUNKLINE_SECRET_KEY, or keys/secret.key under "
                    "TRUNKLINE_HOME); to change it, set TRUNKLINE_SECRET_KEY to `new,old`."
                )
            row.value = self._fingerprints[0]

    # ---- encryption at rest ----------------------------------------------------------------------------

    def seal(self, workspace_id: UUID, field: str, text: str) -> bytes:
        """`text` encrypted, to be opened for this workspace and field only."""
        return self._fernet.encrypt(json.dumps([str(workspace_id), field, text]).encode())

    def open(self, workspace_id: UUID, field: str, sealed: bytes) -> str:
        """What was sealed. Raises SetupError when it was with another key, or for another place."""
        try:
            owner, name, text = json.loads(self._fernet.decrypt(sealed))
        except InvalidToken as error:
            raise SetupError(
                f"A stored {field} was not made with this secret key; enter it again."
            ) from error
        if (owner, name) != (str(workspace_id), field):
            raise SetupError(f"A stored {field} belongs to another place; enter it again.")
        return str(text)

    # ---- API keys --------------------------------------------------------------------------------------

    def hash_key(self, key: str) -> bytes:
        """HMAC-SHA256 of an API key: enough, for keys are long and random, and 100,000 times faster than argon2."""
        return _hmac(self._peppers[0], key)

    def verify_key(self, key: str, hashed: bytes) -> bool:
        """Whether `hashed` is this key's hash; takes the same time either way."""
        return any(hmac.compare_digest(_hmac(pepper, key), hashed) for pepper in self._peppers)

    # ---- expiring links --------------------------------------------------------------------------------

    def sign_link(self, path: str, seconds: float) -> str:
        """`path` with a query that `link_is_good` accepts for so long."""
        expires = int(time.time() + seconds)
        signature = _hmac(self._signers[0], f"{path}\n{expires}").hex()
        return f"{path}?{urlencode({'expires': expires, 'signature': signature})}"

    def link_is_good(self, path: str, expires: int, signature: str) -> bool:
        """Whether we signed this path for this time, and the time has not passed."""
        good = any(
            hmac.compare_digest(_hmac(signer, f"{path}\n{expires}").hex().encode(), signature.encode())
            for signer in self._signers
        )
        return good and time.time() < expires

    @property
    def node_token(self) -> str:
        """What the processes of one installation show each other."""
        return self._node_token


def _derive(key: str, purpose: bytes) -> bytes:
    return HKDF(algorithm=SHA256(), length=32, salt=b"trunkline", info=purpose).derive(key.encode())


def _hmac(key: bytes, text: str) -> bytes:
    return hmac.new(key, text.encode(errors="surrogatepass"), sha256).digest()
