"""The order of names in lists, for PostgreSQL; SQLite is given it on every connection (`region.registry.ordering`)."""

import sqlalchemy as sa
from alembic import op

from region.registry.errors import Unavailable

revision = "0018"
down_revision = "0017"
branch_labels = None
depends_on = None


def upgrade() -> None:
    if op.get_bind().dialect.name == "postgresql":
        if (
            op.get_bind().execute(sa.text("SELECT 1 FROM pg_collation WHERE collprovider = 'i' LIMIT 1")).first()
            is None
        ):
            raise Unavailable(
                "this PostgreSQL is built without ICU, so it has no Danish order: install one that has it"
            )
        # Numbers by their value; neither case nor accents count (what is the same but for them goes by its bytes).
        op.execute("CREATE COLLATION danish (provider = icu, locale = 'da-u-kn-true-ks-level1')")


def downgrade() -> None:
    if op.get_bind().dialect.name == "postgresql":
        op.execute("DROP COLLATION danish")
