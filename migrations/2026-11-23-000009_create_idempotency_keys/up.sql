-- What a key stood for: the same key with the same body is answered with the same subject, with another body refused. What an empty tap
-- stood for is remembered in the same way, until the next one counts anew.
create table idempotency_keys (
    account_id uuid not null references accounts (id),
    key text not null check (length(key) between 1 and 128),
    county_id uuid not null references counties (id),
    fingerprint bytea not null check (octet_length(fingerprint) = 32),
    subject_id uuid not null,
    created_at timestamptz not null,
    primary key (account_id, key)
);
create index idempotency_keys_age on idempotency_keys (created_at);

call isolate_by_county('idempotency_keys');
