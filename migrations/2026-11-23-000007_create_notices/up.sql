create table channels (
    id uuid primary key,
    county_id uuid not null references counties (id),
    code text not null,
    kind text not null check (kind in ('wecom_bot', 'wecom_app', 'dingtalk_bot', 'dingtalk_app', 'feishu_bot', 'feishu_app',
        'wechat_subscribe', 'webhook', 'slack')),
    name text not null,
    -- The department whose room this is; none: a channel of the county (its events go to other systems).
    department_id uuid references departments (id),
    -- The provider's base, or a stand-in; of a webhook scheme, host and port alone: its whole address is sealed with the rest.
    base_url text not null,
    credentials_sealed bytea not null,
    -- What is no secret: {"keyword": …}.
    settings jsonb not null default '{}',
    -- The language of its readers.
    language text not null default 'zh-CN' check (language in ('zh-CN', 'en')),
    state text not null default 'active' check (state in ('active', 'paused', 'dead')),
    state_reason text not null default '',
    -- When an administrator last gave it what opens it; none: an import of the county's files did.
    secret_given_at timestamptz,
    -- When its platform last called us back, under token and key as they are now; none: its cards have no buttons that do.
    called_at timestamptz,
    -- When its platform last refused an interactive card and took a plain one; none: it takes them, as far as anybody knows.
    interactive_refused_at timestamptz,
    unique (county_id, code)
);
create index channels_department on channels (department_id) where department_id is not null;

-- How an officer is reached by an application: what he is called there.
create table officer_addresses (
    id uuid primary key,
    county_id uuid not null references counties (id),
    officer_id uuid not null references officers (id),
    channel_id uuid not null references channels (id),
    user_id text not null check (user_id <> ''),
    -- 1 is asked first; none: as his department prefers.
    preference integer check (preference > 0),
    -- When he last chose his order himself; since then the county's files do not.
    chosen_at timestamptz,
    unique (officer_id, channel_id)
);
create index officer_addresses_channel on officer_addresses (channel_id);

-- In which order the officers of a department are reached who have no preference of their own.
create table department_channels (
    id uuid primary key,
    county_id uuid not null references counties (id),
    department_id uuid not null references departments (id),
    channel_id uuid not null references channels (id),
    preference integer not null check (preference > 0),
    -- When an administrator gave this order; none: the county's files did.
    given_at timestamptz,
    unique (department_id, channel_id)
);
create index department_channels_channel on department_channels (channel_id);

create table notices (
    id uuid primary key,
    county_id uuid not null references counties (id),
    subject_kind text not null check (subject_kind in ('call', 'side_matter', 'supervision_order', 'card', 'hand_over', 'drill')),
    subject_id uuid not null,
    event text not null,
    -- What was posted at once: all rows of one posting, and those that took the place of one of them, carry the id of its first.
    posting_id uuid not null,
    -- None: it stands in its reader's inbox alone, or nobody could be addressed.
    channel_id uuid references channels (id),
    -- What the one person it goes to is called at the provider; empty: the room or system as a whole.
    recipient text not null,
    -- The officer whose action is awaited.
    officer_id uuid references officers (id),
    -- The person of an enterprise who is told.
    account_id uuid references accounts (id),
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
    -- When somebody looks whether it went unanswered, and what follows then: his next application, or the ladder.
    follow_at timestamptz,
    provider_id text,
    reason text not null default '',
    -- When its reader opened it in his inbox.
    read_at timestamptz,
    -- When an administrator last had it sent again: what failed before does not count against it any more.
    retried_at timestamptz,
    -- What its provider redraws the sent message by; none: it cannot be redrawn. No secret: without the application's token it opens nothing.
    handle text,
    -- The alarm whose sent card this row redraws, once its matter is settled.
    redraws uuid references notices (id),
    check (redraws is null or officer_id is null and account_id is null and channel_id is not null),
    check ((state in ('queued', 'held', 'sending', 'retry')) = (due_at is not null)),
    check (state not in ('sent', 'acted') or sent_at is not null),
    check (channel_id is not null or due_at is null),
    check (follow_at is null or officer_id is not null)
) with (fillfactor = 80, autovacuum_vacuum_scale_factor = 0.02);
create index notices_due on notices (priority, due_at) where due_at is not null;
create index notices_follow on notices (follow_at) where follow_at is not null;
-- What may leave in company with another.
create index notices_waiting on notices (channel_id, recipient, created_at)
    where due_at is not null and priority <> 'first_alarm';
-- News that may still leave, behind which younger news of the same subject waits. Said by the states, not by due_at: or it would be looked
-- for among all that is due, which seems short whenever nothing was due as Postgres last counted.
create index notices_order on notices (subject_id, channel_id, recipient, id)
    where state in ('queued', 'held', 'sending', 'retry') and officer_id is null;
-- Each card is redrawn once.
create unique index notices_redraws on notices (redraws) where redraws is not null;
create index notices_subject on notices (subject_id, created_at);
create index notices_channel on notices (channel_id, created_at);
create index notices_officer on notices (officer_id, id) where officer_id is not null;
create index notices_account on notices (account_id, id) where account_id is not null;
-- What a platform tells of later, by its own name for it: only to people of enterprises goes by one that does.
create index notices_provider on notices (channel_id, provider_id) where provider_id is not null and account_id is not null;
-- What an administrator looks for, page by page: of one county, and there of one event, or of what ended otherwise than most do.
create index notices_county on notices (county_id, id);
create index notices_event on notices (county_id, event, id);
create index notices_ended on notices (county_id, state, id)
    where state in ('acted', 'superseded', 'fallback', 'dead', 'expired');
-- What its reader has not opened.
create index notices_unread on notices (officer_id, id) where read_at is null and id = posting_id and officer_id is not null;
create index notices_account_unread on notices (account_id, id)
    where read_at is null and id = posting_id and account_id is not null;

create table notice_attempts (
    notice_id uuid not null references notices (id),
    attempt integer not null,
    county_id uuid not null references counties (id),
    started_at timestamptz not null,
    took_ms integer not null,
    http_status smallint,
    outcome text not null check (outcome in ('delivered', 'retry', 'rate_limited', 'refresh_token', 'dead_target', 'needs_admin',
        'bad_message', 'drop_recipient', 'unrenderable', 'lapsed', 'undelivered')),
    excerpt text not null default '',
    next_at timestamptz,
    primary key (notice_id, attempt)
);

-- One-time subscriptions of WeChat: each row was granted by a tap and buys one message.
create table subscription_grants (
    id uuid primary key,
    county_id uuid not null references counties (id),
    account_id uuid not null references accounts (id),
    channel_id uuid not null references channels (id),
    template_id text not null,
    -- The request that brought it: the same request brings it once.
    grant_key text not null,
    granted_at timestamptz not null,
    spent_at timestamptz,
    -- What it was spent on; a grant that the platform no longer knows is spent on nothing.
    notice_id uuid references notices (id),
    unique (account_id, template_id, grant_key),
    check (notice_id is null or spent_at is not null)
);
create index subscription_grants_left on subscription_grants (account_id, template_id, granted_at) where spent_at is null;
create index subscription_grants_channel on subscription_grants (channel_id);
create index subscription_grants_notice on subscription_grants (notice_id) where notice_id is not null;

-- A county's own words for an event; an event that has no row is told as shipped.
create table county_texts (
    county_id uuid not null references counties (id),
    event text not null,
    -- Counts every change, also the return to the words as shipped, and never falls.
    version integer not null check (version > 0),
    -- None: as shipped again.
    words jsonb,
    primary key (county_id, event)
);

call isolate_by_county('channels');
call isolate_by_county('county_texts', 'select, insert, update');
call isolate_by_county('officer_addresses');
call isolate_by_county('department_channels');
call isolate_by_county('subscription_grants', 'select, insert, update');
call isolate_by_county('notices', 'select, insert, update');
call isolate_by_county('notice_attempts', 'select, insert');
