"""Commands to stations: who gave them, when they are good, and how far each has come."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "command",
        sa.Column("id", sa.String(length=16), nullable=False),
        sa.Column("batch", sa.String(length=16), nullable=False),
        sa.Column("station_id", sa.String(length=40), nullable=False),
        sa.Column("type", sa.String(length=16), nullable=False),
        sa.Column("fields", sa.JSON(), nullable=False),
        sa.Column("actor", sa.String(length=80), nullable=False),
        sa.Column("why", sa.String(length=120), nullable=False),
        sa.Column("created_at", sa.Double(), nullable=False),
        sa.Column("not_before", sa.Double(), nullable=False),
        sa.Column("expires_at", sa.Double(), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("by_station", sa.Boolean(), nullable=False),
        sa.Column("reason", sa.String(length=64), nullable=False),
        sa.Column("figures", sa.JSON(), nullable=False),
        sa.Column("to_send", sa.Boolean(), nullable=False),
        sa.Column("sent_at", sa.Double(), nullable=True),
        sa.Column("scheduled_at", sa.Double(), nullable=True),
        sa.Column("executing_at", sa.Double(), nullable=True),
        sa.Column("ended_at", sa.Double(), nullable=True),
        sa.CheckConstraint(
            "state IN ('init', 'scheduled', 'executing', 'successful', 'failed')", name=op.f("ck_command_state")
        ),
        sa.ForeignKeyConstraint(["station_id"], ["station.id"], name="fk_command_station_id_station"),
        sa.PrimaryKeyConstraint("id", name="pk_command"),
    )
    op.create_index("ix_command_batch", "command", ["batch"])
    op.create_index("ix_command_created_at", "command", ["created_at"])
    op.create_index("ix_command_state_expires_at", "command", ["state", "expires_at"])
    op.create_index("ix_command_station_id_created_at", "command", ["station_id", "created_at"])


def downgrade() -> None:
    op.drop_table("command")
