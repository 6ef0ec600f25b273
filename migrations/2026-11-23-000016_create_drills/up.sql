-- A reachability drill: everybody who stands on a contact card is called once, to see whom nothing reaches.
create table drills (
    id uuid primary key,
    county_id uuid not null references counties (id),
    -- The first day of the month of one that began by itself; none: somebody began it.
    month date check (extract(day from month) = 1),
    started_at timestamptz not null,
    -- Until when its readers have to answer.
    answer_by timestamptz not null,
    started_by text not null,
    unique (county_id, month)
);
create index drills_started on drills (county_id, started_at);

create table drill_contacts (
    id uuid primary key,
    county_id uuid not null references counties (id),
    drill_id uuid not null references drills (id),
    officer_id uuid not null references officers (id),
    -- Where he served then.
    department_id uuid not null references departments (id),
    -- What stands in his inbox; to open it is an answer.
    inbox_id uuid not null references notices (id),
    -- What left by a channel; none: no way leads to him.
    message_id uuid references notices (id),
    -- When he pressed the button.
    heard_at timestamptz,
    unique (drill_id, officer_id)
);
create index drill_contacts_officer on drill_contacts (officer_id);
create index drill_contacts_department on drill_contacts (department_id);
create index drill_contacts_inbox on drill_contacts (inbox_id);
create index drill_contacts_message on drill_contacts (message_id);

call isolate_by_county('drills', 'select, insert');
call isolate_by_county('drill_contacts', 'select, insert, update');
