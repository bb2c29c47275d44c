"""The second step of signing in: keys, the codes for a lost telephone, and which sessions have given it."""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "second_step",
        sa.Column("person_id", sa.Integer(), nullable=False),
        sa.Column("key", sa.String(length=64), nullable=False),
        sa.Column("set_up_at", sa.Double(), nullable=False),
        sa.Column("last_step", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["person_id"], ["person.id"], name="fk_second_step_person_id_person"),
        sa.PrimaryKeyConstraint("person_id", name="pk_second_step"),
    )
    op.create_table(
        "recovery_code",
        sa.Column("person_id", sa.Integer(), nullable=False),
        sa.Column("code_sha256", sa.String(length=64), nullable=False),
        sa.ForeignKeyConstraint(["person_id"], ["person.id"], name="fk_recovery_code_person_id_person"),
        sa.PrimaryKeyConstraint("person_id", "code_sha256", name="pk_recovery_code"),
    )
    for table in ("web_session", "sign_in_link"):  # nobody who is signed in already has given it
        with op.batch_alter_table(table) as batch:
            batch.add_column(sa.Column("whole", sa.Boolean(), nullable=False, server_default=sa.false()))


def downgrade() -> None:
    for table in ("web_session", "sign_in_link"):
        with op.batch_alter_table(table) as batch:
            batch.drop_column("whole")
    op.drop_table("recovery_code")
    op.drop_table("second_step")
