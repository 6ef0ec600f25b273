create table accounts (
    id uuid primary key,
    county_id uuid not null references counties (id),
    login text not null check (login <> ''),
    name text not null,
    mobile text not null,
    officer_id uuid unique references officers (id),
    password_hash text,
    failed_logins integer not null default 0 check (failed_logins >= 0),
    locked_until timestamptz,
    status text not null default 'active' check (status in ('active', 'disabled')),
    created_at timestamptz not null,
    unique (county_id, login)
);
create index accounts_mobile on accounts (county_id, mobile);

create table account_roles (
    account_id uuid not null references accounts (id),
    role text not null check (role in ('officer', 'dispatcher', 'head', 'deputy', 'business_office', 'inspectorate', 'discipline',
        'county_leader', 'enforcement', 'special_supervisor', 'system_admin', 'security_admin', 'audit_admin')),
    county_id uuid not null references counties (id),
    primary key (account_id, role)
);

-- An enterprise's people; the owner invites the others.
create table members (
    id uuid primary key,
    county_id uuid not null references counties (id),
    enterprise_id uuid not null references enterprises (id),
    account_id uuid not null references accounts (id),
    standing text not null check (standing in ('owner', 'member')),
    joined_at timestamptz not null,
    left_at timestamptz,
    unique (enterprise_id, account_id)
);
create index members_account on members (account_id);

-- An account's identity on a platform (WeChat openid, WeCom userid ...).
create table platform_logins (
    id uuid primary key,
    county_id uuid not null references counties (id),
    account_id uuid not null references accounts (id),
    platform text not null check (platform in ('wechat', 'wecom', 'dingtalk', 'feishu')),
    app_id text not null,
    external_id text not null,
    bound_at timestamptz not null,
    unique (county_id, platform, app_id, external_id)
);
create index platform_logins_account on platform_logins (account_id);

create table sessions (
    id uuid primary key,
    county_id uuid not null references counties (id),
    account_id uuid not null references accounts (id),
    started_at timestamptz not null,
    expires_at timestamptz not null,
    ended_at timestamptz,
    end_reason text check (end_reason in ('logout', 'reuse', 'expired', 'disabled', 'password_changed', 'contact_changed')),
    check ((ended_at is null) = (end_reason is null))
);
create index sessions_account on sessions (account_id);
create index sessions_over on sessions (coalesce(ended_at, expires_at));

-- Only the hash is kept. A token is used once; a second use ends the session.
create table refresh_tokens (
    id uuid primary key,
    county_id uuid not null references counties (id),
    session_id uuid not null references sessions (id),
    hash bytea not null unique check (octet_length(hash) = 32),
    issued_at timestamptz not null,
    expires_at timestamptz not null,
    used_at timestamptz
);
create index refresh_tokens_session on refresh_tokens (session_id);
create index refresh_tokens_expiry on refresh_tokens (expires_at);

-- EdDSA keys of the deployment, shared by all replicas and all counties; the private half is sealed.
create table signing_keys (
    kid text primary key,
    private_sealed bytea not null,
    public_key bytea not null,
    created_at timestamptz not null,
    signs_until timestamptz not null,
    verifies_until timestamptz not null,
    check (created_at < signs_until and signs_until < verifies_until)
);
grant select, insert, delete on signing_keys to yijiao_app;

call isolate_by_county('accounts');
call isolate_by_county('account_roles');
call isolate_by_county('members');
call isolate_by_county('platform_logins');
call isolate_by_county('sessions');
call isolate_by_county('refresh_tokens');
