"""What stations hand in for diagnosis."""

import sqlalchemy as sa
from alembic import op

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "diagnostics",
        sa.Column("cid", sa.String(length=16), nullable=False),
        sa.Column("station_id", sa.String(length=40), nullable=False),
        sa.Column("received_at", sa.Double(), nullable=False),
        sa.Column("size", sa.Integer(), nullable=False),
        sa.Column("content", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(["station_id"], ["station.id"], name="fk_diagnostics_station_id_station"),
        sa.PrimaryKeyConstraint("cid", name="pk_diagnostics"),
    )
    op.create_index("ix_diagnostics_station_id", "diagnostics", ["station_id"])
    op.create_index("ix_diagnostics_received_at", "diagnostics", ["received_at"])


def downgrade() -> None:
    op.drop_table("diagnostics")
