-- Append-only and chained per subject: each row's hash covers its content and the hash before it.
create table ledger_events (
    subject_id uuid not null,
    seq integer not null check (seq >= 1),
    county_id uuid not null references counties (id),
    subject_kind text not null check (subject_kind in ('call', 'account', 'channel', 'notice', 'county', 'supervision_order', 'card',
        'hand_over')),
    kind text not null,
    actor_kind text not null check (actor_kind in ('account', 'clock', 'operator')),
    actor_id uuid,
    actor_name text not null,
    at timestamptz not null,
    data jsonb not null,
    prev_hash bytea not null check (octet_length(prev_hash) = 32),
    hash bytea not null check (octet_length(hash) = 32),
    primary key (subject_id, seq)
);

create function refuse_change() returns trigger language plpgsql as $$ begin
    raise exception 'the ledger is append-only' using errcode = 'insufficient_privilege';
end $$;
create trigger ledger_events_append_only before update or delete on ledger_events for each row execute function refuse_change();
create trigger ledger_events_no_truncate before truncate on ledger_events for each statement execute function refuse_change();

call isolate_by_county('ledger_events', 'select, insert');
