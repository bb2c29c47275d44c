"""Sessions that end with the provider's: by which provider a browser signed in, and logout tokens that were taken."""

import sqlalchemy as sa
from alembic import op

revision = "0019"
down_revision = "0018"
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table("web_session") as batch:
        batch.add_column(sa.Column("issuer", sa.String(length=512), nullable=True))
        batch.add_column(sa.Column("sid_sha256", sa.String(length=64), nullable=True))
        batch.create_index("ix_web_session_sid_sha256", ["sid_sha256"])
    op.create_table(
        "logout_token",
        sa.Column("token_sha256", sa.String(length=64), nullable=False),
        sa.Column("expires_at", sa.Double(), nullable=False),
        sa.PrimaryKeyConstraint("token_sha256", name="pk_logout_token"),
    )
    op.create_index("ix_logout_token_expires_at", "logout_token", ["expires_at"])


def downgrade() -> None:
    op.drop_table("logout_token")
    with op.batch_alter_table("web_session") as batch:
        batch.drop_index("ix_web_session_sid_sha256")
        batch.drop_column("sid_sha256")
        batch.drop_column("issuer")
