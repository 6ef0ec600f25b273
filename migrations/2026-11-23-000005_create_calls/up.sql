-- Call numbers are a keyed permutation of this sequence: no hot counter row, no guessable order.
create sequence call_numbers minvalue 0 maxvalue 99999999 start 0;
grant usage on sequence call_numbers to yijiao_app;

create table calls (
    id uuid primary key,
    county_id uuid not null references counties (id),
    number text not null check (number ~ '^[0-9]{9}$'),
    state text not null check (state in ('triage', 'dispatched', 'accepted', 'arrived', 'resolved', 'closed', 'withdrawn',
        'refused', 'merged')),
    urgency text not null check (urgency in ('critical', 'urgent', 'normal')),
    wants_visit boolean not null,
    enterprise_id uuid not null references enterprises (id),
    item_id uuid references service_items (id),
    title text not null check (title <> ''),
    text text not null default '',
    place text not null default '',
    contact_name text not null default '',
    contact_phone text not null default '',
    appointment_at timestamptz,
    entrance text not null check (entrance in ('enterprise', 'phone', 'letter', 'visit')),
    raised_by uuid not null references accounts (id),
    raised_at timestamptz not null,
    department_id uuid not null references departments (id),
    holder_id uuid not null references officers (id),
    backup_id uuid references officers (id),
    route_rule text not null check (route_rule in ('item_card', 'category_card', 'lead_officer', 'item_contact', 'duty_contact',
        'triage', 'assigned', 'transferred', 'ruled')),
    route_reason text not null,
    suggestions jsonb not null default '[]',
    dispatched_at timestamptz,
    accepted_at timestamptz,
    arrived_at timestamptz,
    resolved_at timestamptz,
    ended_at timestamptz,
    -- What was done (resolved, closed) or why not (refused).
    outcome_text text,
    closing text check (closing in ('confirmed', 'silent')),
    merged_into uuid references calls (id),
    version integer not null default 1,
    unique (county_id, number),
    check ((state = 'merged') = (merged_into is not null)),
    check (state not in ('refused', 'resolved', 'closed') or outcome_text is not null),
    check ((state = 'closed') = (closing is not null)),
    check ((state in ('closed', 'withdrawn', 'refused', 'merged')) = (ended_at is not null)),
    check (state <> 'resolved' or resolved_at is not null),
    check (state not in ('accepted', 'arrived', 'resolved') or accepted_at is not null),
    check (state in ('triage', 'withdrawn', 'refused', 'merged') or dispatched_at is not null)
) with (fillfactor = 85);
create index calls_county on calls (county_id, id);
create index calls_enterprise on calls (enterprise_id, id);
create index calls_department on calls (department_id, id);
create index calls_holder on calls (holder_id, id);
-- What somebody owes, or a department, whatever they have dealt with before.
create index calls_open_holder on calls (holder_id) where ended_at is null;
create index calls_open_department on calls (department_id) where ended_at is null;
create index calls_backup on calls (backup_id, id) where backup_id is not null;
create index calls_item on calls (item_id) where item_id is not null;
create index calls_raised_by on calls (raised_by);
create index calls_merged_into on calls (merged_into) where merged_into is not null;

-- Who was responsible when: the spans of a call join without gap, so they add up to its age.
create table holder_spans (
    id uuid primary key,
    county_id uuid not null references counties (id),
    call_id uuid not null references calls (id),
    officer_id uuid not null references officers (id),
    department_id uuid not null references departments (id),
    starts_at timestamptz not null,
    ends_at timestamptz,
    check (ends_at >= starts_at)
);
create index holder_spans_call on holder_spans (call_id, starts_at);
create index holder_spans_officer on holder_spans (officer_id);
create index holder_spans_department on holder_spans (department_id);
create unique index holder_spans_one_open on holder_spans (call_id) where ends_at is null;

-- What is asked, approved or refused beside the state of a call; never a state, so it cannot hide or stop a clock.
create table side_matters (
    id uuid primary key,
    county_id uuid not null references counties (id),
    call_id uuid not null references calls (id),
    kind text not null check (kind in ('return', 'extension', 'pause', 'assistance', 'transfer', 'reassign', 'redo', 'reopen', 'merge')),
    state text not null check (state in ('asked', 'approved', 'refused', 'done')),
    asked_by uuid not null references accounts (id),
    asked_at timestamptz not null,
    reason_code text,
    reason text not null default '',
    evidence text not null default '',
    from_department_id uuid references departments (id),
    department_id uuid references departments (id),
    officer_id uuid references officers (id),
    other_call_id uuid references calls (id),
    working_days smallint check (working_days between 1 and 30),
    until_at timestamptz,
    decided_by uuid references accounts (id),
    decided_at timestamptz,
    decision text,
    ended_at timestamptz,
    check ((state = 'asked') = (decided_at is null)),
    -- Nobody: the clock.
    check (decided_at is not null or decided_by is null),
    check ((state = 'done') = (ended_at is not null))
);
create index side_matters_call on side_matters (call_id, id);
create index side_matters_asked_by on side_matters (asked_by);
create index side_matters_from_department on side_matters (from_department_id) where from_department_id is not null;
create index side_matters_department on side_matters (department_id) where department_id is not null;
create index side_matters_officer on side_matters (officer_id) where officer_id is not null;
create index side_matters_other_call on side_matters (other_call_id) where other_call_id is not null;
create index side_matters_decided_by on side_matters (decided_by) where decided_by is not null;
-- At most one open request of a kind, except assistance (several departments may be asked at once).
create unique index side_matters_one_open on side_matters (call_id, kind) where state = 'asked' and kind <> 'assistance';

create table call_ratings (
    call_id uuid primary key references calls (id),
    county_id uuid not null references counties (id),
    rated_by uuid not null references accounts (id),
    rated_at timestamptz not null,
    speed smallint not null check (speed between 1 and 5),
    attitude smallint not null check (attitude between 1 and 5),
    ability smallint not null check (ability between 1 and 5),
    result smallint not null check (result between 1 and 5),
    words text not null default ''
);
create index call_ratings_rated_by on call_ratings (rated_by);

call isolate_by_county('calls', 'select, insert, update');
call isolate_by_county('holder_spans', 'select, insert, update');
call isolate_by_county('side_matters', 'select, insert, update');
call isolate_by_county('call_ratings', 'select, insert, update');
