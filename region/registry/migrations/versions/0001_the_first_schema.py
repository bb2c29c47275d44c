"""The first schema."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "audit",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("at", sa.Double(), nullable=False),
        sa.Column("actor", sa.String(length=80), nullable=False),
        sa.Column("action", sa.String(length=40), nullable=False),
        sa.Column("station_id", sa.String(length=40), nullable=True),
        sa.Column("call_id", sa.String(length=32), nullable=True),
        sa.Column("outcome", sa.String(length=80), nullable=False),
        sa.Column("detail", sa.JSON(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_audit"),
    )
    with op.batch_alter_table("audit") as batch_op:
        batch_op.create_index("ix_audit_at", ["at"], unique=False)
        batch_op.create_index("ix_audit_call_id", ["call_id"], unique=False)
        batch_op.create_index("ix_audit_station_id", ["station_id"], unique=False)

    op.create_table(
        "clinic",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("name", sa.String(length=80), nullable=False),
        sa.Column("phone", sa.String(length=24), nullable=False),
        sa.Column("created_at", sa.Double(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_clinic"),
        sa.UniqueConstraint("name", name="uq_clinic_name"),
    )
    op.create_table(
        "site",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("name", sa.String(length=80), nullable=False),
        sa.Column("created_at", sa.Double(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_site"),
        sa.UniqueConstraint("name", name="uq_site_name"),
    )
    op.create_table(
        "person",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("name", sa.String(length=64), nullable=False),
        sa.Column("display_name", sa.String(length=80), nullable=False),
        sa.Column("title", sa.String(length=80), nullable=False),
        sa.Column("role", sa.String(length=16), nullable=False),
        sa.Column("clinic_id", sa.Integer(), nullable=True),
        sa.Column("language", sa.String(length=2), nullable=True),
        sa.Column("password_hash", sa.String(length=256), nullable=True),
        sa.Column("active", sa.Boolean(), nullable=False),
        sa.Column("created_at", sa.Double(), nullable=False),
        sa.CheckConstraint("role IN ('clinician', 'it_admin')", name="ck_person_role"),
        sa.ForeignKeyConstraint(["clinic_id"], ["clinic.id"], name="fk_person_clinic_id_clinic"),
        sa.PrimaryKeyConstraint("id", name="pk_person"),
        sa.UniqueConstraint("name", name="uq_person_name"),
    )
    with op.batch_alter_table("person") as batch_op:
        batch_op.create_index("ix_person_clinic_id", ["clinic_id"], unique=False)

    op.create_table(
        "station",
        sa.Column("id", sa.String(length=40), nullable=False),
        sa.Column("name", sa.String(length=80), nullable=False),
        sa.Column("site_id", sa.Integer(), nullable=False),
        sa.Column("clinic_id", sa.Integer(), nullable=True),
        sa.Column("language", sa.String(length=2), nullable=False),
        sa.Column("volume", sa.Integer(), nullable=False),
        sa.Column("desired_version", sa.BigInteger(), nullable=False),
        sa.Column("published_version", sa.BigInteger(), nullable=False),
        sa.Column("created_at", sa.Double(), nullable=False),
        sa.CheckConstraint("language IN ('da', 'en')", name="ck_station_language"),
        sa.CheckConstraint("volume >= 0 AND volume <= 100", name="ck_station_volume"),
        sa.ForeignKeyConstraint(["clinic_id"], ["clinic.id"], name="fk_station_clinic_id_clinic"),
        sa.ForeignKeyConstraint(["site_id"], ["site.id"], name="fk_station_site_id_site"),
        sa.PrimaryKeyConstraint("id", name="pk_station"),
    )
    with op.batch_alter_table("station") as batch_op:
        batch_op.create_index("ix_station_clinic_id", ["clinic_id"], unique=False)
        batch_op.create_index("ix_station_site_id", ["site_id"], unique=False)

    op.create_table(
        "call",
        sa.Column("id", sa.String(length=32), nullable=False),
        sa.Column("station_id", sa.String(length=40), nullable=False),
        sa.Column("clinic_id", sa.Integer(), nullable=False),
        sa.Column("direction", sa.String(length=8), nullable=False),
        sa.Column("state", sa.String(length=8), nullable=False),
        sa.Column("person_id", sa.Integer(), nullable=True),
        sa.Column("boot", sa.String(length=64), nullable=False),
        sa.Column("devices", sa.JSON(), nullable=True),
        sa.Column("started_at", sa.Double(), nullable=False),
        sa.Column("answered_at", sa.Double(), nullable=True),
        sa.Column("connected_at", sa.Double(), nullable=True),
        sa.Column("ended_at", sa.Double(), nullable=True),
        sa.Column("end_reason", sa.String(length=32), nullable=True),
        sa.Column("offer_generation", sa.Integer(), nullable=True),
        sa.Column("offer_sdp", sa.Text(), nullable=True),
        sa.CheckConstraint("direction IN ('resident', 'clinic')", name="ck_call_direction"),
        sa.CheckConstraint("state IN ('waiting', 'ringing', 'answered', 'ended')", name="ck_call_state"),
        sa.ForeignKeyConstraint(["clinic_id"], ["clinic.id"], name="fk_call_clinic_id_clinic"),
        sa.ForeignKeyConstraint(["person_id"], ["person.id"], name="fk_call_person_id_person"),
        sa.ForeignKeyConstraint(["station_id"], ["station.id"], name="fk_call_station_id_station"),
        sa.PrimaryKeyConstraint("id", name="pk_call"),
    )
    with op.batch_alter_table("call") as batch_op:
        batch_op.create_index("ix_call_clinic_id_state", ["clinic_id", "state"], unique=False)
        batch_op.create_index("ix_call_started_at", ["started_at"], unique=False)
        batch_op.create_index("ix_call_station_id", ["station_id"], unique=False)

    op.create_table(
        "invitation",
        sa.Column("station_id", sa.String(length=40), nullable=False),
        sa.Column("code_sha256", sa.String(length=64), nullable=False),
        sa.Column("expires_at", sa.Double(), nullable=False),
        sa.Column("key_sha256", sa.String(length=64), nullable=True),
        sa.Column("certificate", sa.LargeBinary(), nullable=True),
        sa.Column("burnt_at", sa.Double(), nullable=True),
        sa.ForeignKeyConstraint(["station_id"], ["station.id"], name="fk_invitation_station_id_station"),
        sa.PrimaryKeyConstraint("station_id", name="pk_invitation"),
    )
    op.create_table(
        "process_state",
        sa.Column("station_id", sa.String(length=40), nullable=False),
        sa.Column("process", sa.String(length=16), nullable=False),
        sa.Column("state", sa.String(length=8), nullable=False),
        sa.Column("boot", sa.String(length=64), nullable=False),
        sa.Column("bd", sa.BigInteger(), nullable=False),
        sa.Column("call", sa.String(length=32), nullable=True),
        sa.Column("versions", sa.JSON(), nullable=False),
        sa.Column("since", sa.Double(), nullable=False),
        sa.CheckConstraint("state IN ('online', 'offline')", name="ck_process_state_state"),
        sa.ForeignKeyConstraint(["station_id"], ["station.id"], name="fk_process_state_station_id_station"),
        sa.PrimaryKeyConstraint("station_id", "process", name="pk_process_state"),
    )
    op.create_table(
        "sign_in_link",
        sa.Column("token_hash", sa.String(length=64), nullable=False),
        sa.Column("person_id", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.Double(), nullable=False),
        sa.Column("expires_at", sa.Double(), nullable=False),
        sa.Column("used_at", sa.Double(), nullable=True),
        sa.ForeignKeyConstraint(["person_id"], ["person.id"], name="fk_sign_in_link_person_id_person"),
        sa.PrimaryKeyConstraint("token_hash", name="pk_sign_in_link"),
    )
    with op.batch_alter_table("sign_in_link") as batch_op:
        batch_op.create_index("ix_sign_in_link_person_id", ["person_id"], unique=False)

    op.create_table(
        "station_report",
        sa.Column("station_id", sa.String(length=40), nullable=False),
        sa.Column("branch", sa.String(length=80), nullable=False),
        sa.Column("data", sa.JSON(), nullable=False),
        sa.Column("boot", sa.String(length=64), nullable=False),
        sa.Column("seq", sa.BigInteger(), nullable=False),
        sa.Column("at", sa.Double(), nullable=False),
        sa.ForeignKeyConstraint(["station_id"], ["station.id"], name="fk_station_report_station_id_station"),
        sa.PrimaryKeyConstraint("station_id", "branch", name="pk_station_report"),
    )
    op.create_table(
        "web_session",
        sa.Column("token_hash", sa.String(length=64), nullable=False),
        sa.Column("person_id", sa.Integer(), nullable=False),
        sa.Column("csrf", sa.String(length=64), nullable=False),
        sa.Column("created_at", sa.Double(), nullable=False),
        sa.Column("seen_at", sa.Double(), nullable=False),
        sa.ForeignKeyConstraint(["person_id"], ["person.id"], name="fk_web_session_person_id_person"),
        sa.PrimaryKeyConstraint("token_hash", name="pk_web_session"),
    )
    with op.batch_alter_table("web_session") as batch_op:
        batch_op.create_index("ix_web_session_person_id", ["person_id"], unique=False)


def downgrade() -> None:
    with op.batch_alter_table("web_session") as batch_op:
        batch_op.drop_index("ix_web_session_person_id")

    op.drop_table("web_session")
    op.drop_table("station_report")
    with op.batch_alter_table("sign_in_link") as batch_op:
        batch_op.drop_index("ix_sign_in_link_person_id")

    op.drop_table("sign_in_link")
    op.drop_table("process_state")
    op.drop_table("invitation")
    with op.batch_alter_table("call") as batch_op:
        batch_op.drop_index("ix_call_station_id")
        batch_op.drop_index("ix_call_started_at")
        batch_op.drop_index("ix_call_clinic_id_state")

    op.drop_table("call")
    with op.batch_alter_table("station") as batch_op:
        batch_op.drop_index("ix_station_site_id")
        batch_op.drop_index("ix_station_clinic_id")

    op.drop_table("station")
    with op.batch_alter_table("person") as batch_op:
        batch_op.drop_index("ix_person_clinic_id")

    op.drop_table("person")
    op.drop_table("site")
    op.drop_table("clinic")
    with op.batch_alter_table("audit") as batch_op:
        batch_op.drop_index("ix_audit_station_id")
        batch_op.drop_index("ix_audit_call_id")
        batch_op.drop_index("ix_audit_at")

    op.drop_table("audit")
