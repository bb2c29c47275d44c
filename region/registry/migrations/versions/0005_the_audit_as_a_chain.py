"""The audit as a hash chain: rows numbered without gaps, each sealed over itself and the row before, and the head."""

import hashlib
import json

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

_BEFORE_ALL = "0" * 64
_PAGE = 1000
_TOLD = (
    sa.column("id", sa.Integer), sa.column("at", sa.Double), sa.column("actor", sa.String),
    sa.column("action", sa.String), sa.column("station_id", sa.String), sa.column("call_id", sa.String),
    sa.column("outcome", sa.String), sa.column("detail", sa.JSON),
)  # fmt: skip
_AUDIT = sa.table("audit", *_TOLD, sa.column("previous", sa.String), sa.column("seal", sa.String))


def upgrade() -> None:
    head = op.create_table(
        "audit_head",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("number", sa.BigInteger(), nullable=False),
        sa.Column("seal", sa.String(length=64), nullable=False),
        sa.CheckConstraint("id = 1", name=op.f("ck_audit_head_only_one")),
        sa.PrimaryKeyConstraint("id", name="pk_audit_head"),
    )
    with op.batch_alter_table("audit") as audit:
        audit.add_column(sa.Column("previous", sa.String(length=64), nullable=True))
        audit.add_column(sa.Column("seal", sa.String(length=64), nullable=True))
    if op.get_bind().dialect.name == "postgresql":  # numbers come from the head: a sequence leaves gaps
        op.execute("ALTER TABLE audit ALTER COLUMN id DROP DEFAULT")
        op.execute("DROP SEQUENCE IF EXISTS audit_id_seq")
    number, seal = _chain()
    op.bulk_insert(head, [{"id": 1, "number": number, "seal": seal}])
    with op.batch_alter_table("audit") as audit:
        audit.alter_column("previous", existing_type=sa.String(length=64), nullable=False)
        audit.alter_column("seal", existing_type=sa.String(length=64), nullable=False)


def _chain() -> tuple[int, str]:
    """Number and seal what is there, oldest first: a new number is never above the old one, so none meets another."""
    connection, after, number, previous = op.get_bind(), -(2**31), 0, _BEFORE_ALL
    page = sa.select(*_TOLD).order_by(_AUDIT.c.id).limit(_PAGE)
    change = (
        sa.update(_AUDIT)
        .where(_AUDIT.c.id == sa.bindparam("was"))
        .values(id=sa.bindparam("number"), previous=sa.bindparam("before"), seal=sa.bindparam("sealed"))
    )
    while rows := connection.execute(page.where(_AUDIT.c.id > after)).mappings().all():
        changes = []
        for row in rows:
            number += 1
            sealed = _seal(previous, {**row, "id": number})
            changes.append({"was": row["id"], "number": number, "before": previous, "sealed": sealed})
            previous = sealed
        connection.execute(change, changes)
        after = rows[-1]["id"]
    return number, previous


def _seal(previous: str, row: dict[str, object]) -> str:
    content = json.dumps(row, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(f"{previous}\n{content}".encode()).hexdigest()


def downgrade() -> None:
    with op.batch_alter_table("audit") as audit:
        audit.drop_column("seal")
        audit.drop_column("previous")
    op.drop_table("audit_head")
