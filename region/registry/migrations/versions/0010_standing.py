"""What reports come to, so that stations can be found by it. It is filled in when the region starts."""

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "standing",
        sa.Column("station_id", sa.String(length=40), nullable=False),
        sa.Column("version", sa.String(length=64), nullable=True),
        sa.Column("health_at", sa.Double(), nullable=True),
        sa.Column("devices", sa.Integer(), nullable=True),
        sa.Column("machine", sa.Integer(), nullable=True),
        sa.Column("certificate_expires", sa.Double(), nullable=True),
        sa.Column("config_version", sa.BigInteger(), nullable=True),
        sa.Column("config_waiting", sa.BigInteger(), nullable=True),
        sa.Column("refused", sa.Boolean(), nullable=True),
        sa.Column("proving", sa.String(length=16), nullable=True),
        sa.ForeignKeyConstraint(["station_id"], ["station.id"], name="fk_standing_station_id_station"),
        sa.PrimaryKeyConstraint("station_id", name="pk_standing"),
    )


def downgrade() -> None:
    op.drop_table("standing")
