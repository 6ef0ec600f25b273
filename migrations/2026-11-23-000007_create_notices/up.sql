create table channels (
    id uuid primary key,
    county_id uuid not null references counties (id),
    code text not null,
    kind text not null check (kind in ('wecom_bot', 'wecom_app', 'dingtalk_bot', 'dingtalk_app', 'feishu_bot', 'feishu_app',
        'wechat_subscribe', 'webhook', 'slack')),
    name text not null,
    -- The department whose room this is; none: a channel of the county (its events go to other systems).
    department_id uuid references departments (id),
    base_url text not null,
    credentials_sealed bytea not null,
    -- What is no secret: {"keyword": …}.
    settings jsonb not null default '{}',
    -- The language of its readers.
    language text not null default 'zh-CN' check (language in ('zh-CN', 'en')),
    state text not null default 'active' check (state in ('active', 'paused', 'dead')),
    state_reason text not null default '',
    unique (county_id, code)
);
create index channels_department on channels (department_id) where department_id is not null;

create table notices (
    id uuid primary key,
    county_id uuid not null references counties (id),
    subject_kind text not null check (subject_kind in ('call', 'side_matter')),
    subject_id uuid not null,
    event text not null,
    -- What was posted at once: all rows of one posting, and those that took the place of one of them, carry the id of its first.
    posting_id uuid not null,
    -- None: nobody could be addressed.
    channel_id uuid references channels (id),
    -- The officer whose action is awaited or who is told; none: the room or system as a whole.
    officer_id uuid references officers (id),
    priority text not null check (priority in ('first_alarm', 'normal', 'low')),
    params jsonb not null,
    state text not null check (state in ('queued', 'held', 'sending', 'retry', 'sent', 'acted', 'superseded', 'expired', 'dead', 'fallback')),
    attempt integer not null default 0,
    -- When somebody must look at the row again. A queued row may be sent at any time and is put into the queue again then; retry
    -- and held wait for the moment; sending is taken for crashed.
    due_at timestamptz,
    -- What it asks for was done while it was being sent: it ends acted, or is not sent again.
    answered boolean not null default false,
    created_at timestamptz not null,
    sent_at timestamptz,
    provider_id text,
    reason text not null default '',
    check ((state in ('queued', 'held', 'sending', 'retry')) = (due_at is not null)),
    check (state not in ('sent', 'acted') or sent_at is not null),
    check (channel_id is not null or due_at is null)
) with (fillfactor = 80, autovacuum_vacuum_scale_factor = 0.02);
create index notices_due on notices (priority, due_at) where due_at is not null;
create index notices_subject on notices (subject_id, created_at);
create index notices_channel on notices (channel_id, created_at);
create index notices_officer on notices (officer_id, created_at) where officer_id is not null;

create table notice_attempts (
    notice_id uuid not null references notices (id),
    attempt integer not null,
    county_id uuid not null references counties (id),
    started_at timestamptz not null,
    took_ms integer not null,
    http_status smallint,
    outcome text not null check (outcome in ('delivered', 'retry', 'rate_limited', 'refresh_token', 'dead_target', 'needs_admin',
        'bad_message', 'drop_recipient', 'unrenderable', 'lapsed')),
    excerpt text not null default '',
    next_at timestamptz,
    primary key (notice_id, attempt)
);

call isolate_by_county('channels');
call isolate_by_county('notices', 'select, insert, update');
call isolate_by_county('notice_attempts', 'select, insert');
