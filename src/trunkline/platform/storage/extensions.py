"""The extensions of PostgreSQL that the tables need; called by the migrations."""

from sqlalchemy import Connection, text
from sqlalchemy.exc import DBAPIError

from trunkline.errors import SetupError


def require_extension(connection: Connection, name: str, package: str) -> None:
    """Create an extension in this database unless it is there; `package` says what an operator installs.

    Raises:
        SetupError: the server does not have it, or the user may not create it.
    """
    known = connection.execute(
        text("SELECT installed_version FROM pg_available_extensions WHERE name = :name"), {"name": name}
    ).one_or_none()
    if known is None:
        raise SetupError(
            f"The database server has no extension {name}. Install {package} on it, or leave DATABASE_URL unset to use "
            "the embedded database, which has it."
        )
    if known.installed_version is not None:
        return
    try:
        with connection.begin_nested():
            connection.exec_driver_sql(f"CREATE EXTENSION {name}")
    except DBAPIError as error:
        raise SetupError(
            f"The extension {name} could not be created ({' '.join(str(error.orig).split())}). Let an administrator run "
            f"CREATE EXTENSION {name} in this database, then start again."
        ) from error
