"""Two more roles, and the sites that people are bound to."""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

_BEFORE = "role IN ('clinician', 'it_admin')"
_NOW = "role IN ('clinician', 'it_admin', 'site_staff', 'evaluator')"


def upgrade() -> None:
    _allow(_NOW, "ck_person_ck_person_role", "ck_person_role")
    op.create_table(
        "person_site",
        sa.Column("person_id", sa.Integer(), nullable=False),
        sa.Column("site_id", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["person_id"], ["person.id"], name="fk_person_site_person_id_person"),
        sa.ForeignKeyConstraint(["site_id"], ["site.id"], name="fk_person_site_site_id_site"),
        sa.PrimaryKeyConstraint("person_id", "site_id", name="pk_person_site"),
    )
    op.create_index("ix_person_site_site_id", "person_site", ["site_id"])


def downgrade() -> None:
    op.drop_table("person_site")
    _allow(_BEFORE, "ck_person_role", "ck_person_ck_person_role")


def _allow(roles: str, before: str, now: str) -> None:
    """The first schema's check has a prefix too many."""
    with op.batch_alter_table("person") as person:
        person.drop_constraint(op.f(before), type_="check")
        person.create_check_constraint(op.f(now), roles)
