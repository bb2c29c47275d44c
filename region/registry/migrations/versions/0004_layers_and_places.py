"""Layers of config, and where things stand: clusters, municipalities, rooms; serial numbers; who publishes.

What stations worked by becomes what each station says itself, where that is not the default: nothing changes for them.
"""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

_DEFAULTS = {"language": "da", "volume": 70}


def upgrade() -> None:
    _add_places()
    op.create_table(
        "layer",
        sa.Column("level", sa.String(length=16), nullable=False),
        sa.Column("place", sa.String(length=40), nullable=False),
        sa.Column("document", sa.JSON(), nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.Column("changed_at", sa.Double(), nullable=False),
        sa.Column("changed_by", sa.String(length=80), nullable=False),
        sa.CheckConstraint(
            "level IN ('region', 'cluster', 'municipality', 'site', 'station')", name=op.f("ck_layer_level")
        ),
        sa.PrimaryKeyConstraint("level", "place", name="pk_layer"),
    )
    op.create_table(
        "lease",
        sa.Column("name", sa.String(length=40), nullable=False),
        sa.Column("holder", sa.String(length=40), nullable=False),
        sa.Column("until", sa.Double(), nullable=False),
        sa.PrimaryKeyConstraint("name", name="pk_lease"),
    )
    with op.batch_alter_table("station") as station:
        station.add_column(sa.Column("serial", sa.String(length=64), nullable=True))
        station.add_column(sa.Column("room_id", sa.Integer(), nullable=True))
        station.create_unique_constraint("uq_station_serial", ["serial"])
        station.create_foreign_key("fk_station_room_id_room", "room", ["room_id"], ["id"])
        station.create_index("ix_station_room_id", ["room_id"])
    _give_rooms()
    _say_what_they_work_by()
    with op.batch_alter_table("station") as station:
        station.alter_column("room_id", existing_type=sa.Integer(), nullable=False)


def _add_places() -> None:
    op.create_table(
        "cluster",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("name", sa.String(length=80), nullable=False),
        sa.Column("created_at", sa.Double(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_cluster"),
        sa.UniqueConstraint("name", name="uq_cluster_name"),
    )
    op.create_table(
        "municipality",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("name", sa.String(length=80), nullable=False),
        sa.Column("cluster_id", sa.Integer(), nullable=True),
        sa.Column("created_at", sa.Double(), nullable=False),
        sa.ForeignKeyConstraint(["cluster_id"], ["cluster.id"], name="fk_municipality_cluster_id_cluster"),
        sa.PrimaryKeyConstraint("id", name="pk_municipality"),
        sa.UniqueConstraint("name", name="uq_municipality_name"),
    )
    op.create_index("ix_municipality_cluster_id", "municipality", ["cluster_id"])
    with op.batch_alter_table("site") as site:
        site.add_column(sa.Column("municipality_id", sa.Integer(), nullable=True))
        site.create_foreign_key("fk_site_municipality_id_municipality", "municipality", ["municipality_id"], ["id"])
        site.create_index("ix_site_municipality_id", ["municipality_id"])
    op.create_table(
        "room",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("site_id", sa.Integer(), nullable=False),
        sa.Column("name", sa.String(length=80), nullable=False),
        sa.Column("created_at", sa.Double(), nullable=False),
        sa.ForeignKeyConstraint(["site_id"], ["site.id"], name="fk_room_site_id_site"),
        sa.PrimaryKeyConstraint("id", name="pk_room"),
        sa.UniqueConstraint("site_id", "name", name="uq_room_site_id_name"),
    )


def _give_rooms() -> None:
    """Each station's name was its room's."""
    op.execute(
        "INSERT INTO room (site_id, name, created_at) "
        "SELECT site_id, name, MIN(created_at) FROM station GROUP BY site_id, name ORDER BY site_id, name"
    )
    op.execute(
        "UPDATE station SET room_id = "
        "(SELECT room.id FROM room WHERE room.site_id = station.site_id AND room.name = station.name)"
    )


def _say_what_they_work_by() -> None:
    layer = sa.table(
        "layer", sa.column("level", sa.String), sa.column("place", sa.String), sa.column("document", sa.JSON),
        sa.column("version", sa.BigInteger), sa.column("changed_at", sa.Double), sa.column("changed_by", sa.String),
    )  # fmt: skip
    found = op.get_bind().execute(
        sa.text(
            "SELECT station.id, station.created_at, station.language, station.volume, clinic.name AS clinic "
            "FROM station LEFT JOIN clinic ON clinic.id = station.clinic_id"
        )
    )
    rows = []
    for one in found.mappings():
        document = {key: one[key] for key, usual in _DEFAULTS.items() if one[key] != usual}
        if one["clinic"] is not None:
            document["clinic"] = one["clinic"]
        if document:
            rows.append(
                {"level": "station", "place": one["id"], "document": document, "version": 1,
                 "changed_at": one["created_at"], "changed_by": "region"}
            )  # fmt: skip
    if rows:
        op.bulk_insert(layer, rows)
    # The document is written otherwise now, and one version never has two contents.
    op.execute("UPDATE station SET desired_version = desired_version + 1")


def downgrade() -> None:
    with op.batch_alter_table("station") as station:
        station.drop_index("ix_station_room_id")
        station.drop_constraint("fk_station_room_id_room", type_="foreignkey")
        station.drop_constraint("uq_station_serial", type_="unique")
        station.drop_column("room_id")
        station.drop_column("serial")
    op.drop_table("lease")
    op.drop_table("layer")
    op.drop_table("room")
    with op.batch_alter_table("site") as site:
        site.drop_index("ix_site_municipality_id")
        site.drop_constraint("fk_site_municipality_id_municipality", type_="foreignkey")
        site.drop_column("municipality_id")
    op.drop_table("municipality")
    op.drop_table("cluster")
