"""One `postgresql://…` URL, written the way each driver wants it."""

from urllib.parse import urlencode

from sqlalchemy import URL, make_url
from sqlalchemy.exc import ArgumentError

from trunkline.errors import SetupError


def asyncpg_url(url: str) -> URL:
    """For SQLAlchemy on asyncpg, our driver. asyncpg says `ssl` where everybody else says `sslmode`."""
    parsed = _parse(url).set(drivername="postgresql+asyncpg")
    sslmode = parsed.query.get("sslmode")
    if sslmode is not None:
        parsed = parsed.difference_update_query(["sslmode"]).update_query_dict({"ssl": sslmode})
    return parsed


def psycopg_url(url: str) -> URL:
    """For SQLAlchemy on psycopg: migrations, which run without an event loop."""
    return _parse(url).set(drivername="postgresql+psycopg")


def conninfo(url: str, role: str | None = None) -> str:
    """For libpq (psycopg, procrastinate); with `role`, the connection does SET ROLE as it opens."""
    text = _parse(url).set(drivername="postgresql").render_as_string(hide_password=False)
    if role is None:
        return text
    return (
        text + ("&" if "?" in text else "?") + urlencode({"options": f"-c role={role}"}).replace("+", "%20")
    )


def _parse(url: str) -> URL:
    try:
        parsed = make_url(url)
    except ArgumentError as error:
        raise SetupError(
            "DATABASE_URL is not a URL; write it as postgresql://user:password@host:5432/database"
        ) from error
    if parsed.get_backend_name() not in ("postgresql", "postgres"):
        raise SetupError(
            f"DATABASE_URL names {parsed.get_backend_name()}, but Trunkline needs PostgreSQL 15 or later: "
            "postgresql://user:password@host:5432/database"
        )
    return parsed
