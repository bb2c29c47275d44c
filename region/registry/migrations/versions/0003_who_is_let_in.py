"""Who is let in: every certificate that was given, whom the region has shut out, and the run before the last."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table("station") as station:
        station.add_column(sa.Column("admission", sa.String(length=16), nullable=False, server_default="admitted"))
        station.create_check_constraint("ck_station_admission", "admission IN ('admitted', 'quarantined', 'revoked')")
    with op.batch_alter_table("process_state") as process_state:
        process_state.add_column(sa.Column("previous_boot", sa.String(length=64), nullable=True))
        process_state.add_column(sa.Column("previous_bd", sa.BigInteger(), nullable=True))
    op.create_table(
        "certificate",
        sa.Column("serial", sa.String(length=40), nullable=False),
        sa.Column("station_id", sa.String(length=40), nullable=False),
        sa.Column("key_sha256", sa.String(length=64), nullable=False),
        sa.Column("der", sa.LargeBinary(), nullable=False),
        sa.Column("issued_at", sa.Double(), nullable=False),
        sa.Column("expires_at", sa.Double(), nullable=False),
        sa.Column("revoked_at", sa.Double(), nullable=True),
        sa.ForeignKeyConstraint(["station_id"], ["station.id"], name="fk_certificate_station_id_station"),
        sa.PrimaryKeyConstraint("serial", name="pk_certificate"),
    )
    op.create_index("ix_certificate_station_id", "certificate", ["station_id"])
    op.create_index("ix_certificate_key_sha256", "certificate", ["key_sha256"])


def downgrade() -> None:
    op.drop_table("certificate")
    with op.batch_alter_table("process_state") as process_state:
        process_state.drop_column("previous_bd")
        process_state.drop_column("previous_boot")
    with op.batch_alter_table("station") as station:
        station.drop_constraint("ck_station_admission", type_="check")
        station.drop_column("admission")
