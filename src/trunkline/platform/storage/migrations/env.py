"""Alembic's entry: runs on the connection that `migrate.py` hands over."""

from alembic import context

from trunkline.platform.storage.database import Base

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=Base.metadata,
    include_name=lambda name, kind, _: kind != "table" or not (name or "").startswith("procrastinate_"),
    transaction_per_migration=True,
)
with context.begin_transaction():
    context.run_migrations()
