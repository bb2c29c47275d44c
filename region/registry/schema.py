"""The tables. Portable types only; times are Unix seconds in double precision; constraints are named."""

from __future__ import annotations

from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    Double,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    Text,
    UniqueConstraint,
    false,
)  # fmt: skip

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
        "fk": "fk_%(table_name)s_%(column_0_name)s_%(referred_table_name)s",
        "pk": "pk_%(table_name)s",
    }
)

clinic = Table(
    "clinic", metadata,
    Column("id", Integer, primary_key=True),
    Column("name", String(80), nullable=False, unique=True),
    Column("phone", String(24), nullable=False),
    Column("created_at", Double, nullable=False),
    Column("closed_at", Double, nullable=True),  # it is there for the calls of before only
)  # fmt: skip

cluster = Table(
    "cluster", metadata,
    Column("id", Integer, primary_key=True),
    Column("name", String(80), nullable=False, unique=True),
    Column("created_at", Double, nullable=False),
)  # fmt: skip

municipality = Table(
    "municipality", metadata,
    Column("id", Integer, primary_key=True),
    Column("name", String(80), nullable=False, unique=True),
    Column("cluster_id", ForeignKey("cluster.id"), nullable=True, index=True),
    Column("created_at", Double, nullable=False),
)  # fmt: skip

site = Table(
    "site", metadata,
    Column("id", Integer, primary_key=True),
    Column("name", String(80), nullable=False, unique=True),
    Column("municipality_id", ForeignKey("municipality.id"), nullable=True, index=True),
    Column("created_at", Double, nullable=False),
    Column("closed_at", Double, nullable=True),  # it is there for the calls of before only
)  # fmt: skip

room = Table(
    "room", metadata,
    Column("id", Integer, primary_key=True),
    Column("site_id", ForeignKey("site.id"), nullable=False),
    Column("name", String(80), nullable=False),
    Column("created_at", Double, nullable=False),
    UniqueConstraint("site_id", "name"),
)  # fmt: skip

layer = Table(
    "layer", metadata,
    Column("level", String(16), primary_key=True),
    Column("place", String(40), primary_key=True),
    Column("document", JSON, nullable=False),
    Column("version", BigInteger, nullable=False),
    Column("changed_at", Double, nullable=False),
    Column("changed_by", String(80), nullable=False),
    CheckConstraint("level IN ('region', 'cluster', 'municipality', 'site', 'station')", name="level"),
)  # fmt: skip

lease = Table(
    "lease", metadata,
    Column("name", String(40), primary_key=True),
    Column("holder", String(40), nullable=False),
    Column("until", Double, nullable=False),
)  # fmt: skip

secret = Table(
    "secret", metadata,
    Column("name", String(40), primary_key=True),
    Column("value", String(64), nullable=False),
)  # fmt: skip

station = Table(
    "station", metadata,
    Column("id", String(40), primary_key=True),
    Column("name", String(80), nullable=False),
    Column("serial", String(64), nullable=True, unique=True),
    Column("site_id", ForeignKey("site.id"), nullable=False, index=True),
    Column("room_id", ForeignKey("room.id"), nullable=False, index=True),
    # What the layers come to, for what is asked for often: kept by `layers.py`.
    Column("clinic_id", ForeignKey("clinic.id"), nullable=True, index=True),
    Column("language", String(2), nullable=False),
    Column("volume", Integer, nullable=False),
    Column("desired_version", BigInteger, nullable=False),
    Column("published_version", BigInteger, nullable=False),
    Column("created_at", Double, nullable=False),
    Column("admission", String(16), nullable=False, server_default="admitted"),
    CheckConstraint("admission IN ('admitted', 'quarantined', 'revoked')", name="admission"),
    CheckConstraint("volume >= 0 AND volume <= 100", name="volume"),
    CheckConstraint("language IN ('da', 'en')", name="language"),
)  # fmt: skip

# Of a station that is not in the registry any more: what calls, figures and revocation lists need of it.
removed_station = Table(
    "removed_station", metadata,
    Column("id", String(40), primary_key=True),
    Column("name", String(80), nullable=False),
    Column("site_id", ForeignKey("site.id"), nullable=False, index=True),
    Column("room", String(80), nullable=False),
    Column("clinic_id", ForeignKey("clinic.id"), nullable=True, index=True),
    Column("created_at", Double, nullable=False),
    Column("removed_at", Double, nullable=False),
    Column("shut_out_until", Double, nullable=False),  # when the last of its certificates expires
    Column("cleared_at", Double, nullable=True),  # since when the broker keeps nothing of it
)  # fmt: skip

invitation = Table(
    "invitation", metadata,
    Column("station_id", ForeignKey("station.id"), primary_key=True),
    Column("code_sha256", String(64), nullable=False),
    Column("expires_at", Double, nullable=False),
    Column("key_sha256", String(64), nullable=True),
    Column("certificate", LargeBinary, nullable=True),
    Column("burnt_at", Double, nullable=True),
)  # fmt: skip

certificate = Table(
    "certificate", metadata,
    Column("serial", String(40), primary_key=True),
    Column("station_id", String(40), nullable=False, index=True),  # it may have been removed
    Column("key_sha256", String(64), nullable=False, index=True),
    Column("der", LargeBinary, nullable=False),
    Column("issued_at", Double, nullable=False),
    Column("expires_at", Double, nullable=False),
    Column("revoked_at", Double, nullable=True),
)  # fmt: skip

process_state = Table(
    "process_state", metadata,
    Column("station_id", ForeignKey("station.id"), primary_key=True),
    Column("process", String(16), primary_key=True),
    Column("state", String(8), nullable=False),
    Column("boot", String(64), nullable=False),
    Column("bd", BigInteger, nullable=False),
    Column("call", String(32), nullable=True),
    Column("versions", JSON, nullable=False),
    Column("since", Double, nullable=False),
    Column("previous_boot", String(64), nullable=True),
    Column("previous_bd", BigInteger, nullable=True),
    Column("answers", Boolean, nullable=False, server_default=false()),
    CheckConstraint("state IN ('online', 'offline', 'unheard')", name="state"),
)  # fmt: skip

station_report = Table(
    "station_report", metadata,
    Column("station_id", ForeignKey("station.id"), primary_key=True),
    Column("branch", String(80), primary_key=True),
    Column("data", JSON, nullable=False),
    Column("boot", String(64), nullable=False),
    Column("seq", BigInteger, nullable=False),
    Column("at", Double, nullable=False),
)  # fmt: skip

# What the last reports come to, so that stations can be found by it; derived: `region.fleet.summary`.
standing = Table(
    "standing", metadata,
    Column("station_id", ForeignKey("station.id"), primary_key=True),
    Column("version", String(64), nullable=True),
    Column("health_at", Double, nullable=True),
    Column("devices", Integer, nullable=True),
    Column("machine", Integer, nullable=True),
    Column("certificate_expires", Double, nullable=True),
    Column("config_version", BigInteger, nullable=True),
    Column("config_waiting", BigInteger, nullable=True),
    Column("refused", Boolean, nullable=True),
    Column("proving", String(16), nullable=True),
    Column("health_s", Integer, nullable=True),
)  # fmt: skip

person = Table(
    "person", metadata,
    Column("id", Integer, primary_key=True),
    Column("name", String(64), nullable=False, unique=True),
    Column("display_name", String(80), nullable=False),
    Column("title", String(80), nullable=False),
    Column("role", String(16), nullable=False),
    Column("clinic_id", ForeignKey("clinic.id"), nullable=True, index=True),
    Column("language", String(2), nullable=True),
    Column("password_hash", String(256), nullable=True),
    Column("active", Boolean, nullable=False),
    Column("created_at", Double, nullable=False),
    CheckConstraint("role IN ('clinician', 'it_admin', 'site_staff', 'evaluator')", name="role"),
)  # fmt: skip

person_site = Table(
    "person_site", metadata,
    Column("person_id", ForeignKey("person.id"), primary_key=True),
    Column("site_id", ForeignKey("site.id"), primary_key=True, index=True),
)  # fmt: skip

web_session = Table(
    "web_session", metadata,
    Column("token_hash", String(64), primary_key=True),
    Column("person_id", ForeignKey("person.id"), nullable=False, index=True),
    Column("csrf", String(64), nullable=False),
    Column("created_at", Double, nullable=False),
    Column("seen_at", Double, nullable=False),
    Column("whole", Boolean, nullable=False, server_default=false()),
    Column("issuer", String(512), nullable=True),  # the provider by which somebody signed in
    Column("sid_sha256", String(64), nullable=True, index=True),  # of the provider's own session, where it named one
)  # fmt: skip

sign_in_link = Table(
    "sign_in_link", metadata,
    Column("token_hash", String(64), primary_key=True),
    Column("person_id", ForeignKey("person.id"), nullable=False, index=True),
    Column("created_at", Double, nullable=False),
    Column("expires_at", Double, nullable=False),
    Column("used_at", Double, nullable=True),
    Column("whole", Boolean, nullable=False, server_default=false()),
)  # fmt: skip

second_step = Table(
    "second_step", metadata,
    Column("person_id", ForeignKey("person.id"), primary_key=True),
    Column("key", String(64), nullable=False),
    Column("set_up_at", Double, nullable=False),
    Column("last_step", BigInteger, nullable=False),
)  # fmt: skip

recovery_code = Table(
    "recovery_code", metadata,
    Column("person_id", ForeignKey("person.id"), primary_key=True),
    Column("code_sha256", String(64), primary_key=True),
)  # fmt: skip

passkey = Table(
    "passkey", metadata,
    Column("id", Integer, primary_key=True),
    Column("person_id", ForeignKey("person.id"), nullable=False, index=True),
    Column("credential_sha256", String(64), nullable=False, unique=True),
    Column("credential", LargeBinary, nullable=False),
    Column("name", String(60), nullable=False),
    Column("sign_count", BigInteger, nullable=False),
    Column("made_at", Double, nullable=False),
    Column("used_at", Double, nullable=True),
)  # fmt: skip

api_token = Table(
    "api_token", metadata,
    Column("id", String(16), primary_key=True),
    Column("secret_sha256", String(64), nullable=False, unique=True),
    Column("name", String(80), nullable=False),
    Column("role", String(16), nullable=False),
    Column("clinic_id", ForeignKey("clinic.id"), nullable=True, index=True),
    Column("reads_only", Boolean, nullable=False),
    Column("maker_id", ForeignKey("person.id"), nullable=True, index=True),  # none: the command line
    Column("made_at", Double, nullable=False),
    Column("expires_at", Double, nullable=False),
    Column("used_at", Double, nullable=True),
    Column("revoked_at", Double, nullable=True),
    CheckConstraint("role IN ('it_admin', 'site_staff', 'evaluator')", name="role"),
)  # fmt: skip

api_token_site = Table(
    "api_token_site", metadata,
    Column("token_id", ForeignKey("api_token.id"), primary_key=True),
    Column("site_id", ForeignKey("site.id"), primary_key=True, index=True),
)  # fmt: skip

identity = Table(
    "identity", metadata,
    Column("issuer", String(512), primary_key=True),
    Column("subject", String(255), primary_key=True),
    Column("person_id", ForeignKey("person.id"), nullable=False, index=True),
    Column("bound_at", Double, nullable=False),
)  # fmt: skip

# Logout tokens of a provider: each is taken once, by whichever process.
logout_token = Table(
    "logout_token", metadata,
    Column("token_sha256", String(64), primary_key=True),
    Column("expires_at", Double, nullable=False, index=True),
)  # fmt: skip

call = Table(
    "call", metadata,
    Column("id", String(32), primary_key=True),
    Column("station_id", String(40), nullable=False, index=True),  # it may have been removed
    Column("clinic_id", ForeignKey("clinic.id"), nullable=False),
    Column("direction", String(8), nullable=False),
    Column("state", String(8), nullable=False),
    Column("person_id", ForeignKey("person.id"), nullable=True),
    Column("boot", String(64), nullable=False),
    Column("devices", JSON, nullable=True),
    Column("started_at", Double, nullable=False),
    Column("answered_at", Double, nullable=True),
    Column("connected_at", Double, nullable=True),
    Column("ended_at", Double, nullable=True),
    Column("end_reason", String(32), nullable=True),
    Column("offer_generation", Integer, nullable=True),
    Column("offer_sdp", Text, nullable=True),
    Column("room", JSON, nullable=True),
    Column("said", Integer, nullable=False, server_default="0"),
    CheckConstraint("state IN ('waiting', 'ringing', 'answered', 'ended')", name="state"),
    CheckConstraint("direction IN ('resident', 'clinic')", name="direction"),
    Index("ix_call_clinic_id_state", "clinic_id", "state"),
    Index("ix_call_started_at", "started_at"),
)  # fmt: skip

call_quality = Table(
    "call_quality", metadata,
    Column("call_id", ForeignKey("call.id"), primary_key=True),
    Column("grade", String(8), nullable=False),
    Column("connect_s", Double, nullable=True),
    Column("data", JSON, nullable=False),
    CheckConstraint("grade IN ('good', 'fair', 'poor')", name="grade"),
)  # fmt: skip

command = Table(
    "command", metadata,
    Column("id", String(16), primary_key=True),
    Column("batch", String(16), nullable=False, index=True),
    Column("station_id", ForeignKey("station.id"), nullable=False),
    Column("type", String(16), nullable=False),
    Column("fields", JSON, nullable=False),
    Column("actor", String(80), nullable=False),
    Column("why", String(120), nullable=False),
    Column("created_at", Double, nullable=False, index=True),
    Column("not_before", Double, nullable=False),
    Column("expires_at", Double, nullable=False),
    Column("state", String(16), nullable=False),
    Column("by_station", Boolean, nullable=False),
    Column("reason", String(64), nullable=False),
    Column("figures", JSON, nullable=False),
    Column("to_send", Boolean, nullable=False),
    Column("sent_at", Double, nullable=True),
    Column("scheduled_at", Double, nullable=True),
    Column("executing_at", Double, nullable=True),
    Column("ended_at", Double, nullable=True),
    CheckConstraint("state IN ('init', 'scheduled', 'executing', 'successful', 'failed')", name="state"),
    Index("ix_command_state_expires_at", "state", "expires_at"),
    Index("ix_command_station_id_created_at", "station_id", "created_at"),
)  # fmt: skip

diagnostics = Table(
    "diagnostics", metadata,
    Column("cid", String(16), primary_key=True),
    Column("station_id", ForeignKey("station.id"), nullable=False, index=True),
    Column("received_at", Double, nullable=False, index=True),
    Column("size", Integer, nullable=False),
    Column("content", LargeBinary, nullable=False),
)  # fmt: skip

claim = Table(
    "claim", metadata,
    Column("key_sha256", String(64), primary_key=True),
    Column("code_sha256", String(64), nullable=False),
    Column("nonce", String(32), nullable=False),
    Column("serial", String(64), nullable=False),
    Column("address", String(64), nullable=False),
    Column("source", String(64), nullable=False, index=True),
    Column("state", String(8), nullable=False),
    Column("station_id", ForeignKey("station.id"), nullable=True),
    Column("made_at", Double, nullable=False),
    Column("seen_at", Double, nullable=False),
    Column("decided_at", Double, nullable=True),
    Column("decided_by", String(80), nullable=False),
    CheckConstraint("state IN ('waiting', 'approved', 'refused')", name="state"),
)  # fmt: skip

audit = Table(
    "audit", metadata,
    Column("id", Integer, primary_key=True, autoincrement=False),  # its place in the chain, counted by the head
    Column("at", Double, nullable=False, index=True),
    Column("actor", String(80), nullable=False),
    Column("action", String(40), nullable=False),
    Column("station_id", String(40), nullable=True, index=True),
    Column("call_id", String(32), nullable=True, index=True),
    Column("outcome", String(80), nullable=False),
    Column("detail", JSON, nullable=False),
    Column("previous", String(64), nullable=False),
    Column("seal", String(64), nullable=False),
)  # fmt: skip

audit_head = Table(
    "audit_head", metadata,
    Column("id", Integer, primary_key=True),
    Column("number", BigInteger, nullable=False),
    Column("seal", String(64), nullable=False),
    CheckConstraint("id = 1", name="only_one"),
)  # fmt: skip

attempt = Table(
    "attempt", metadata,
    Column("id", Integer, primary_key=True),
    Column("kind", String(16), nullable=False),
    Column("source", String(64), nullable=False),
    Column("at", Double, nullable=False, index=True),
    Index("ix_attempt_kind_source", "kind", "source"),
)  # fmt: skip
