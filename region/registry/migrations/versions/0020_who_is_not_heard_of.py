"""A process that is said to be connected and is not heard of; how often a station says that it reports."""

import sqlalchemy as sa
from alembic import op

revision = "0020"
down_revision = "0019"
branch_labels = None
depends_on = None
_BEFORE = "state IN ('online', 'offline')"
_NOW = "state IN ('online', 'offline', 'unheard')"


def upgrade() -> None:
    _allow(_NOW, "ck_process_state_ck_process_state_state", "ck_process_state_state")
    with op.batch_alter_table("process_state") as batch:
        batch.add_column(sa.Column("answers", sa.Boolean(), nullable=False, server_default=sa.false()))
    with op.batch_alter_table("standing") as batch:
        batch.add_column(sa.Column("health_s", sa.Integer(), nullable=True))


def downgrade() -> None:
    op.execute("UPDATE process_state SET state = 'offline' WHERE state = 'unheard'")
    with op.batch_alter_table("standing") as batch:
        batch.drop_column("health_s")
    with op.batch_alter_table("process_state") as batch:
        batch.drop_column("answers")
    _allow(_BEFORE, "ck_process_state_state", "ck_process_state_ck_process_state_state")


def _allow(states: str, before: str, now: str) -> None:
    """The first schema's check has a prefix too many."""
    with op.batch_alter_table("process_state") as batch:
        batch.drop_constraint(op.f(before), type_="check")
        batch.create_check_constraint(op.f(now), states)
