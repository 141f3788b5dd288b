-- What create_all made before there were migrations; in SQLite a SERIAL is an INTEGER.
CREATE TABLE groups (
    id VARCHAR NOT NULL,
    channel VARCHAR NOT NULL,
    name VARCHAR NOT NULL,
    unit VARCHAR NOT NULL,
    purpose VARCHAR NOT NULL,
    kind VARCHAR NOT NULL,
    created DATE,
    ends DATE,
    owner VARCHAR,
    first_seen BIGINT NOT NULL,
    roster_at BIGINT,
    dissolved_at BIGINT,
    evidence VARCHAR NOT NULL,
    source VARCHAR NOT NULL,
    CONSTRAINT pk_groups PRIMARY KEY (id)
);
CREATE INDEX ix_groups_dissolved_at ON groups (dissolved_at);
CREATE TABLE group_versions (
    "group" VARCHAR NOT NULL,
    at BIGINT NOT NULL,
    name VARCHAR NOT NULL,
    unit VARCHAR NOT NULL,
    purpose VARCHAR NOT NULL,
    kind VARCHAR NOT NULL,
    created DATE,
    ends DATE,
    owner VARCHAR,
    owner_known BOOLEAN NOT NULL,
    CONSTRAINT pk_group_versions PRIMARY KEY ("group", at)
);
CREATE TABLE persons (
    id VARCHAR NOT NULL,
    channel VARCHAR NOT NULL,
    name VARCHAR NOT NULL,
    unit VARCHAR NOT NULL,
    role VARCHAR NOT NULL,
    CONSTRAINT pk_persons PRIMARY KEY (id)
);
CREATE TABLE members (
    "group" VARCHAR NOT NULL,
    person VARCHAR NOT NULL,
    joined_at BIGINT NOT NULL,
    left_at BIGINT,
    role VARCHAR NOT NULL,
    CONSTRAINT pk_members PRIMARY KEY ("group", person, joined_at)
);
CREATE INDEX ix_members_person ON members (person);
CREATE TABLE activity (
    "group" VARCHAR NOT NULL,
    day DATE NOT NULL,
    work INTEGER NOT NULL,
    rollcall INTEGER NOT NULL,
    other INTEGER NOT NULL,
    last_work_at BIGINT,
    last_by VARCHAR NOT NULL,
    CONSTRAINT pk_activity PRIMARY KEY ("group", day)
);
CREATE TABLE notices (
    id VARCHAR NOT NULL,
    title VARCHAR NOT NULL,
    text TEXT NOT NULL,
    kind VARCHAR NOT NULL,
    emergency BOOLEAN NOT NULL,
    reason VARCHAR NOT NULL,
    emergency_until BIGINT,
    sender VARCHAR NOT NULL,
    sender_name VARCHAR NOT NULL,
    at BIGINT NOT NULL,
    deadline BIGINT,
    state VARCHAR NOT NULL,
    closed_at BIGINT,
    fingerprint VARCHAR NOT NULL,
    reply_wanted BOOLEAN NOT NULL,
    roster_known BOOLEAN NOT NULL,
    summaries VARCHAR NOT NULL,
    revised_at BIGINT,
    revision INTEGER NOT NULL,
    CONSTRAINT pk_notices PRIMARY KEY (id)
);
CREATE INDEX ix_notices_fingerprint ON notices (fingerprint);
CREATE TABLE notice_groups (
    notice VARCHAR NOT NULL,
    "group" VARCHAR NOT NULL,
    message VARCHAR,
    at BIGINT NOT NULL,
    CONSTRAINT pk_notice_groups PRIMARY KEY (notice, "group")
);
CREATE INDEX ix_notice_groups_message ON notice_groups (message);
CREATE INDEX ix_notice_groups_group ON notice_groups ("group");
CREATE TABLE audience (
    notice VARCHAR NOT NULL,
    person VARCHAR NOT NULL,
    "group" VARCHAR NOT NULL,
    name VARCHAR NOT NULL,
    CONSTRAINT pk_audience PRIMARY KEY (notice, person)
);
CREATE INDEX ix_audience_person ON audience (person);
CREATE TABLE roster_changes (
    notice VARCHAR NOT NULL,
    person VARCHAR NOT NULL,
    at BIGINT NOT NULL,
    change VARCHAR NOT NULL,
    CONSTRAINT pk_roster_changes PRIMARY KEY (notice, person, at)
);
CREATE TABLE presses (
    notice VARCHAR NOT NULL,
    person VARCHAR NOT NULL,
    at BIGINT NOT NULL,
    action VARCHAR NOT NULL,
    via VARCHAR NOT NULL,
    deputy VARCHAR,
    CONSTRAINT pk_presses PRIMARY KEY (notice, person, at, action)
);
CREATE TABLE receipts (
    notice VARCHAR NOT NULL,
    person VARCHAR NOT NULL,
    acked BOOLEAN NOT NULL,
    first_at BIGINT NOT NULL,
    acked_at BIGINT NOT NULL,
    via VARCHAR NOT NULL,
    deputy VARCHAR,
    CONSTRAINT pk_receipts PRIMARY KEY (notice, person)
);
CREATE TABLE reminders (
    notice VARCHAR NOT NULL,
    person VARCHAR NOT NULL,
    day DATE NOT NULL,
    CONSTRAINT pk_reminders PRIMARY KEY (notice, person)
);
CREATE INDEX ix_reminders_day ON reminders (day);
CREATE TABLE digests (
    person VARCHAR NOT NULL,
    notice VARCHAR NOT NULL,
    day DATE NOT NULL,
    CONSTRAINT pk_digests PRIMARY KEY (person, notice)
);
CREATE TABLE flags (
    id VARCHAR NOT NULL,
    "group" VARCHAR NOT NULL,
    unit VARCHAR NOT NULL,
    person VARCHAR NOT NULL,
    message VARCHAR NOT NULL,
    at BIGINT NOT NULL,
    category VARCHAR NOT NULL,
    rule VARCHAR NOT NULL,
    span VARCHAR NOT NULL,
    clause TEXT NOT NULL,
    why TEXT NOT NULL,
    suggestion TEXT NOT NULL,
    digest VARCHAR NOT NULL,
    state VARCHAR NOT NULL,
    text TEXT NOT NULL,
    answered_at BIGINT,
    CONSTRAINT pk_flags PRIMARY KEY (id)
);
CREATE INDEX ix_flags_group ON flags ("group");
CREATE INDEX ix_flags_message ON flags (message);
CREATE INDEX ix_flags_at ON flags (at);
CREATE TABLE outbox (
    id SERIAL NOT NULL,
    "key" VARCHAR NOT NULL,
    channel VARCHAR NOT NULL,
    kind VARCHAR NOT NULL,
    target VARCHAR NOT NULL,
    about VARCHAR NOT NULL,
    payload TEXT NOT NULL,
    at BIGINT NOT NULL,
    not_before BIGINT NOT NULL,
    state VARCHAR NOT NULL,
    attempts INTEGER NOT NULL,
    sent_at BIGINT,
    reference VARCHAR NOT NULL,
    error VARCHAR NOT NULL,
    CONSTRAINT pk_outbox PRIMARY KEY (id),
    CONSTRAINT uq_outbox_key UNIQUE ("key")
);
CREATE INDEX ix_outbox_about ON outbox (about);
CREATE INDEX ix_outbox_state_not_before ON outbox (state, not_before);
CREATE TABLE wakes (
    kind VARCHAR NOT NULL,
    subject VARCHAR NOT NULL,
    at BIGINT NOT NULL,
    CONSTRAINT pk_wakes PRIMARY KEY (kind, subject)
);
CREATE INDEX ix_wakes_at ON wakes (at);
CREATE TABLE slots (
    job VARCHAR NOT NULL,
    at BIGINT NOT NULL,
    CONSTRAINT pk_slots PRIMARY KEY (job, at)
);
CREATE TABLE claims (
    "key" VARCHAR NOT NULL,
    at BIGINT NOT NULL,
    CONSTRAINT pk_claims PRIMARY KEY ("key")
);
CREATE INDEX ix_claims_at ON claims (at);
CREATE TABLE troubles (
    id SERIAL NOT NULL,
    event VARCHAR NOT NULL,
    handler VARCHAR NOT NULL,
    error VARCHAR NOT NULL,
    at BIGINT NOT NULL,
    CONSTRAINT pk_troubles PRIMARY KEY (id)
);
CREATE TABLE snapshots (
    week VARCHAR NOT NULL,
    at BIGINT NOT NULL,
    body TEXT NOT NULL,
    CONSTRAINT pk_snapshots PRIMARY KEY (week)
);
CREATE TABLE register_groups (
    id VARCHAR NOT NULL,
    position INTEGER NOT NULL,
    "group" VARCHAR,
    name VARCHAR NOT NULL,
    channel VARCHAR NOT NULL,
    unit VARCHAR NOT NULL,
    owner VARCHAR NOT NULL,
    admins VARCHAR NOT NULL,
    phone VARCHAR NOT NULL,
    members INTEGER,
    created DATE,
    purpose VARCHAR NOT NULL,
    kind VARCHAR NOT NULL,
    matter VARCHAR NOT NULL,
    ends DATE,
    last_work_day DATE,
    messages_30d INTEGER,
    disposition VARCHAR NOT NULL,
    responsible VARCHAR NOT NULL,
    due VARCHAR NOT NULL,
    checker VARCHAR NOT NULL,
    closed DATE,
    note VARCHAR NOT NULL,
    extra TEXT NOT NULL,
    imported_at BIGINT NOT NULL,
    CONSTRAINT pk_register_groups PRIMARY KEY (id)
);
CREATE INDEX ix_register_groups_group ON register_groups ("group");
CREATE TABLE apps (
    id VARCHAR NOT NULL,
    position INTEGER NOT NULL,
    name VARCHAR NOT NULL,
    unit VARCHAR NOT NULL,
    kind VARCHAR NOT NULL,
    handler VARCHAR NOT NULL,
    basis VARCHAR NOT NULL,
    functions VARCHAR NOT NULL,
    updated DATE,
    monthly_active INTEGER,
    "similar" VARCHAR NOT NULL,
    filing VARCHAR NOT NULL,
    disposition VARCHAR NOT NULL,
    closed DATE,
    extra TEXT NOT NULL,
    imported_at BIGINT NOT NULL,
    CONSTRAINT pk_apps PRIMARY KEY (id)
);
CREATE TABLE gaps (
    channel VARCHAR NOT NULL,
    since BIGINT NOT NULL,
    until BIGINT NOT NULL,
    CONSTRAINT pk_gaps PRIMARY KEY (channel, since)
);
CREATE TABLE exemptions (
    "group" VARCHAR NOT NULL,
    reason VARCHAR NOT NULL,
    approver VARCHAR NOT NULL,
    since DATE,
    until DATE,
    CONSTRAINT pk_exemptions PRIMARY KEY ("group")
);
CREATE TABLE meta (
    name VARCHAR NOT NULL,
    value TEXT NOT NULL,
    CONSTRAINT pk_meta PRIMARY KEY (name)
);
CREATE TABLE bindings (
    device VARCHAR NOT NULL,
    person VARCHAR NOT NULL,
    channel VARCHAR NOT NULL,
    at BIGINT NOT NULL,
    CONSTRAINT pk_bindings PRIMARY KEY (device)
);
CREATE INDEX ix_bindings_person ON bindings (person);
CREATE TABLE bind_codes (
    code VARCHAR NOT NULL,
    device VARCHAR NOT NULL,
    state VARCHAR NOT NULL,
    person VARCHAR NOT NULL,
    channel VARCHAR NOT NULL,
    at BIGINT NOT NULL,
    expires BIGINT NOT NULL,
    CONSTRAINT pk_bind_codes PRIMARY KEY (code)
);
CREATE INDEX ix_bind_codes_expires ON bind_codes (expires);
CREATE INDEX ix_bind_codes_device ON bind_codes (device);
CREATE TABLE bind_tries (
    person VARCHAR NOT NULL,
    at BIGINT NOT NULL,
    CONSTRAINT pk_bind_tries PRIMARY KEY (person, at)
);
