"""What calls were like, as their stations tell."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "call_quality",
        sa.Column("call_id", sa.String(length=32), nullable=False),
        sa.Column("grade", sa.String(length=8), nullable=False),
        sa.Column("connect_s", sa.Double(), nullable=True),
        sa.Column("data", sa.JSON(), nullable=False),
        sa.CheckConstraint("grade IN ('good', 'fair', 'poor')", name="ck_call_quality_grade"),
        sa.ForeignKeyConstraint(["call_id"], ["call.id"], name="fk_call_quality_call_id_call"),
        sa.PrimaryKeyConstraint("call_id", name="pk_call_quality"),
    )


def downgrade() -> None:
    op.drop_table("call_quality")
