"""How the desk has each call, and how much the region has said in it: no process keeps it for itself."""

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("call", sa.Column("room", sa.JSON(), nullable=True))
    op.add_column("call", sa.Column("said", sa.Integer(), nullable=False, server_default="0"))


def downgrade() -> None:
    op.drop_column("call", "said")
    op.drop_column("call", "room")
