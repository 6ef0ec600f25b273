-- Every timer of the product is a row here: a promise about one event, and the moment when the engine must next look at it.
create table deadlines (
    id uuid primary key,
    county_id uuid not null references counties (id),
    subject_kind text not null check (subject_kind in ('call', 'side_matter', 'supervision_order')),
    subject_id uuid not null,
    clock text not null check (clock in ('accept', 'contact', 'arrive', 'plan', 'resolve', 'confirm', 'stall', 'promise',
        'appointment', 'triage', 'return_ruling', 'assistance', 'pause', 'order_sign', 'order_reply', 'order_close')),
    state text not null check (state in ('running', 'paused', 'met', 'missed', 'cancelled')),
    started_at timestamptz not null,
    limit_amount integer not null check (limit_amount >= 0),
    limit_unit text not null check (limit_unit in ('minute', 'working_minute', 'working_day', 'moment')),
    due_at timestamptz not null,
    provisional boolean not null default false,
    paused_at timestamptz,
    stopped_at timestamptz,
    -- The next moment to act (warning, due, rung of the ladder) and which step that is; null when nothing is left to do.
    fires_at timestamptz,
    step smallint not null default 0,
    -- A row whose firing failed waits until then, so that it does not stand before all others for ever.
    held_until timestamptz,
    -- The calendar by which it is due: its version (0: the first statutory edition), and whose, when a department has its own.
    calendar_version integer not null default 0,
    calendar_department uuid,
    -- The item of the call when the clock started: its ladder is climbed to the end, whatever item the call gets later.
    item_code text,
    -- To when somebody lifted the step at which it stands; it fires then, or when time runs on, however the due moment moves.
    lifted_at timestamptz,
    -- And what lifted it, so that whom it tells hears why now.
    lifted_by text check (lifted_by in ('urge', 'official', 'unreached')),
    -- The moment as it was given, for a clock that has no other limit (a promise, an appointment): shares of it are counted from here.
    promised_at timestamptz,
    check ((lifted_at is null) = (lifted_by is null)),
    check ((state = 'paused') = (paused_at is not null)),
    check ((state in ('met', 'missed', 'cancelled')) = (stopped_at is not null)),
    -- What has stopped fires no more.
    check (state = 'running' or fires_at is null)
) with (fillfactor = 80, autovacuum_vacuum_scale_factor = 0.01);
create index deadlines_fires on deadlines (fires_at) where fires_at is not null;
-- What is late or will be today: the most overdue first.
create index deadlines_owed on deadlines (county_id, due_at, id) where state = 'running';
-- What offices owe by name of the clock, not of its subject.
create index deadlines_of_offices on deadlines (county_id) where state = 'running' and clock in ('triage', 'return_ruling', 'order_close');
create index deadlines_subject on deadlines (subject_id, clock);
create unique index deadlines_one_live on deadlines (subject_id, clock) where state in ('running', 'paused');

call isolate_by_county('deadlines', 'select, insert, update');

-- What was due, when it fired, how late, and what came of it. Once for each step of a deadline.
create table firings (
    deadline_id uuid not null references deadlines (id),
    step smallint not null,
    county_id uuid not null references counties (id),
    rung smallint not null,
    planned_at timestamptz not null,
    fired_at timestamptz not null,
    outcome text not null check (outcome in ('fired', 'passed')),
    primary key (deadline_id, step)
);

call isolate_by_county('firings', 'select, insert');
