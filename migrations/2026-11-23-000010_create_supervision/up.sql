-- A card (蓝、黄、红牌) is a fact: which promise, who held it then, how late. It is never deleted; an upheld appeal strikes it.
create table cards (
    id uuid primary key,
    county_id uuid not null references counties (id),
    call_id uuid not null references calls (id),
    deadline_id uuid not null references deadlines (id),
    clock text not null,
    -- Which rung of the ladder gave it; 0: the enterprise's second "not solved".
    rung smallint not null check (rung between 0 and 6),
    colour text not null check (colour in ('blue', 'yellow', 'red')),
    officer_id uuid not null references officers (id),
    department_id uuid not null references departments (id),
    due_at timestamptz not null,
    issued_at timestamptz not null,
    -- In working minutes (critical calls: minutes); zero when nothing was late yet.
    late_minutes integer not null check (late_minutes >= 0),
    struck boolean not null default false,
    unique (deadline_id, rung, colour)
);
create index cards_county on cards (county_id, id);
create index cards_call on cards (call_id);
create index cards_officer on cards (officer_id, id);
create index cards_department on cards (department_id, id);

-- The one appeal of a card, decided by a second person.
create table card_appeals (
    card_id uuid primary key references cards (id),
    county_id uuid not null references counties (id),
    appealed_by uuid not null references accounts (id),
    appealed_at timestamptz not null,
    reason text not null check (reason <> ''),
    evidence text not null default '',
    decided_by uuid references accounts (id),
    decided_at timestamptz,
    upheld boolean,
    decision text,
    check (decided_by <> appealed_by),
    check ((decided_at is null) = (decided_by is null)),
    check ((decided_at is null) = (upheld is null)),
    check ((decided_at is null) = (decision is null))
);
create index card_appeals_appealed_by on card_appeals (appealed_by);
create index card_appeals_decided_by on card_appeals (decided_by) where decided_by is not null;

create function refuse_card_change() returns trigger language plpgsql as $$ begin
    raise exception 'a card is a fact and can only be struck' using errcode = 'insufficient_privilege';
end $$;
create trigger cards_are_facts before update on cards for each row
    when (to_jsonb(old) - 'struck' is distinct from to_jsonb(new) - 'struck' or (old.struck and not new.struck))
    execute function refuse_card_change();

-- Numbers for people, counted over all counties: no hot row.
create sequence supervision_order_numbers;
grant usage on sequence supervision_order_numbers to yijiao_app;

-- A supervision order (督办单): issued → signed → replied → closed; sent back it is signed again.
create table supervision_orders (
    id uuid primary key,
    county_id uuid not null references counties (id),
    number text not null check (number ~ '^[0-9]{4}-[0-9]{6,}$'),
    call_id uuid references calls (id),
    -- What it was issued for; none when a person issued it.
    deadline_id uuid references deadlines (id),
    clock text,
    rung smallint check (rung between 0 and 6),
    department_id uuid not null references departments (id),
    -- None: the clock.
    issued_by uuid references accounts (id),
    issued_at timestamptz not null,
    text text not null check (text <> ''),
    state text not null check (state in ('issued', 'signed', 'replied', 'closed')),
    signed_by uuid references accounts (id),
    signed_at timestamptz,
    reply text,
    replied_by uuid references accounts (id),
    replied_at timestamptz,
    -- The last time that a reply was not enough, and why.
    sent_back_at timestamptz,
    sent_back_reason text,
    closed_by uuid references accounts (id),
    closed_at timestamptz,
    verdict text,
    version integer not null default 1,
    unique (county_id, number),
    check ((state = 'issued') = (signed_at is null)),
    check ((signed_at is null) = (signed_by is null)),
    check ((state in ('replied', 'closed')) = (replied_at is not null)),
    check ((replied_at is null) = (replied_by is null)),
    check ((replied_at is null) = (reply is null)),
    check ((sent_back_at is null) = (sent_back_reason is null)),
    check ((state = 'closed') = (closed_at is not null)),
    check ((closed_at is null) = (closed_by is null)),
    check ((closed_at is null) = (verdict is null))
);
create index supervision_orders_county on supervision_orders (county_id, id);
create index supervision_orders_department on supervision_orders (department_id, id);
create index supervision_orders_call on supervision_orders (call_id) where call_id is not null;
create index supervision_orders_deadline on supervision_orders (deadline_id) where deadline_id is not null;
create index supervision_orders_issued_by on supervision_orders (issued_by) where issued_by is not null;
create index supervision_orders_signed_by on supervision_orders (signed_by) where signed_by is not null;
create index supervision_orders_replied_by on supervision_orders (replied_by) where replied_by is not null;
create index supervision_orders_closed_by on supervision_orders (closed_by) where closed_by is not null;
-- One open order is enough for a call and a department.
create unique index supervision_orders_one_open on supervision_orders (call_id, department_id)
    where call_id is not null and state <> 'closed';

-- A hand-over (移交) to discipline: the clock drafts it, people review, sign and hand it. Its evidence is frozen from the beginning.
create table hand_overs (
    id uuid primary key,
    county_id uuid not null references counties (id),
    call_id uuid not null references calls (id),
    deadline_id uuid references deadlines (id),
    state text not null check (state in ('draft', 'reviewed', 'signed', 'handed', 'dropped')),
    pack jsonb not null,
    -- SHA-256 of the pack as canonical JSON.
    pack_hash bytea not null check (octet_length(pack_hash) = 32),
    note text not null default '',
    drafted_at timestamptz not null,
    reviewed_by uuid references accounts (id),
    reviewed_at timestamptz,
    signed_by uuid references accounts (id),
    signed_at timestamptz,
    handed_by uuid references accounts (id),
    handed_at timestamptz,
    dropped_by uuid references accounts (id),
    dropped_at timestamptz,
    dropped_reason text,
    version integer not null default 1,
    check (signed_by <> reviewed_by),
    check (state not in ('reviewed', 'signed', 'handed') or reviewed_at is not null),
    check (state not in ('signed', 'handed') or signed_at is not null),
    check (signed_at is null or reviewed_at is not null),
    check ((state = 'handed') = (handed_at is not null)),
    check ((state = 'dropped') = (dropped_at is not null)),
    check ((reviewed_at is null) = (reviewed_by is null)),
    check ((signed_at is null) = (signed_by is null)),
    check ((handed_at is null) = (handed_by is null)),
    check ((dropped_at is null) = (dropped_by is null)),
    check ((dropped_at is null) = (dropped_reason is null))
);
create index hand_overs_county on hand_overs (county_id, id);
create index hand_overs_call on hand_overs (call_id);
create index hand_overs_deadline on hand_overs (deadline_id) where deadline_id is not null;
create index hand_overs_reviewed_by on hand_overs (reviewed_by) where reviewed_by is not null;
create index hand_overs_signed_by on hand_overs (signed_by) where signed_by is not null;
create index hand_overs_handed_by on hand_overs (handed_by) where handed_by is not null;
create index hand_overs_dropped_by on hand_overs (dropped_by) where dropped_by is not null;
create unique index hand_overs_one_open on hand_overs (call_id) where state in ('draft', 'reviewed', 'signed');

create function refuse_pack_change() returns trigger language plpgsql as $$ begin
    raise exception 'the evidence of a hand-over is frozen' using errcode = 'insufficient_privilege';
end $$;
create trigger hand_overs_frozen before update on hand_overs for each row
    when (old.pack is distinct from new.pack or old.pack_hash is distinct from new.pack_hash or old.call_id <> new.call_id)
    execute function refuse_pack_change();

call isolate_by_county('cards', 'select, insert, update');
call isolate_by_county('card_appeals', 'select, insert, update');
call isolate_by_county('supervision_orders', 'select, insert, update');
call isolate_by_county('hand_overs', 'select, insert, update');
