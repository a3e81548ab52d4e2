"""What every process of one installation must find: the database and the secret key."""

from trunkline.errors import SetupError
from trunkline.platform.storage.database import Database
from trunkline.platform.storage.secrets import SecretBox
from trunkline.roles import runfile
from trunkline.settings import Settings


def database_url(settings: Settings) -> str:
    """Where a role finds the database; raises SetupError when there is none."""
    if settings.database_url is not None:
        return settings.database_url
    running = runfile.read(settings.home)
    if running is None:
        raise SetupError(
            "no database: set DATABASE_URL to a PostgreSQL server, or start everything at once with `trunkline serve`"
        )
    return running.database_url


async def secret_box(settings: Settings, database: Database) -> SecretBox:
    """The installation's secret key; raises SetupError when it does not fit the rows."""
    chosen = settings.secret_key.get_secret_value() if settings.secret_key else None
    box = SecretBox.load(settings.home, chosen)
    await box.check(database)
    return box
