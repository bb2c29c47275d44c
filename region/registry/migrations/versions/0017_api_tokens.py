"""API tokens: what scripts come with."""

import sqlalchemy as sa
from alembic import op

revision = "0017"
down_revision = "0016"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "api_token",
        sa.Column("id", sa.String(length=16), nullable=False),
        sa.Column("secret_sha256", sa.String(length=64), nullable=False),
        sa.Column("name", sa.String(length=80), nullable=False),
        sa.Column("role", sa.String(length=16), nullable=False),
        sa.Column("clinic_id", sa.Integer(), nullable=True),
        sa.Column("reads_only", sa.Boolean(), nullable=False),
        sa.Column("maker_id", sa.Integer(), nullable=True),
        sa.Column("made_at", sa.Double(), nullable=False),
        sa.Column("expires_at", sa.Double(), nullable=False),
        sa.Column("used_at", sa.Double(), nullable=True),
        sa.Column("revoked_at", sa.Double(), nullable=True),
        sa.CheckConstraint("role IN ('it_admin', 'site_staff', 'evaluator')", name="ck_api_token_role"),
        sa.ForeignKeyConstraint(["clinic_id"], ["clinic.id"], name="fk_api_token_clinic_id_clinic"),
        sa.ForeignKeyConstraint(["maker_id"], ["person.id"], name="fk_api_token_maker_id_person"),
        sa.PrimaryKeyConstraint("id", name="pk_api_token"),
        sa.UniqueConstraint("secret_sha256", name="uq_api_token_secret_sha256"),
    )
    op.create_index("ix_api_token_clinic_id", "api_token", ["clinic_id"])
    op.create_index("ix_api_token_maker_id", "api_token", ["maker_id"])
    op.create_table(
        "api_token_site",
        sa.Column("token_id", sa.String(length=16), nullable=False),
        sa.Column("site_id", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["token_id"], ["api_token.id"], name="fk_api_token_site_token_id_api_token"),
        sa.ForeignKeyConstraint(["site_id"], ["site.id"], name="fk_api_token_site_site_id_site"),
        sa.PrimaryKeyConstraint("token_id", "site_id", name="pk_api_token_site"),
    )
    op.create_index("ix_api_token_site_site_id", "api_token_site", ["site_id"])


def downgrade() -> None:
    op.drop_table("api_token_site")
    op.drop_table("api_token")
