"""Stations that were removed, and clinics and sites that are closed: what calls and revocation lists name stays."""

import sqlalchemy as sa
from alembic import op

revision = "0021"
down_revision = "0020"
branch_labels = None
depends_on = None

_NAMED = ("call", "certificate")  # whose stations may have been removed


def upgrade() -> None:
    op.create_table(
        "removed_station",
        sa.Column("id", sa.String(length=40), nullable=False),
        sa.Column("name", sa.String(length=80), nullable=False),
        sa.Column("site_id", sa.Integer(), nullable=False),
        sa.Column("room", sa.String(length=80), nullable=False),
        sa.Column("clinic_id", sa.Integer(), nullable=True),
        sa.Column("created_at", sa.Double(), nullable=False),
        sa.Column("removed_at", sa.Double(), nullable=False),
        sa.Column("shut_out_until", sa.Double(), nullable=False),
        sa.Column("cleared_at", sa.Double(), nullable=True),
        sa.ForeignKeyConstraint(["site_id"], ["site.id"], name="fk_removed_station_site_id_site"),
        sa.ForeignKeyConstraint(["clinic_id"], ["clinic.id"], name="fk_removed_station_clinic_id_clinic"),
        sa.PrimaryKeyConstraint("id", name="pk_removed_station"),
    )
    op.create_index("ix_removed_station_site_id", "removed_station", ["site_id"])
    op.create_index("ix_removed_station_clinic_id", "removed_station", ["clinic_id"])
    for table in _NAMED:
        with op.batch_alter_table(table) as batch:
            batch.drop_constraint(f"fk_{table}_station_id_station", type_="foreignkey")
    for table in ("site", "clinic"):
        op.add_column(table, sa.Column("closed_at", sa.Double(), nullable=True))


def downgrade() -> None:
    """Only while nothing was removed: an older version has no place for what stays of it."""
    for table in ("clinic", "site"):
        with op.batch_alter_table(table) as batch:
            batch.drop_column("closed_at")
    for table in _NAMED:
        with op.batch_alter_table(table) as batch:
            batch.create_foreign_key(f"fk_{table}_station_id_station", "station", ["station_id"], ["id"])
    op.drop_table("removed_station")
