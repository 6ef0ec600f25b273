-- The working calendar in versions: a row is never changed, a change is a further row. The latest of the county and the latest of
-- each department hold; a department says only in what it differs.
create table calendars (
    id uuid primary key,
    county_id uuid not null references counties (id),
    -- Whose: none: the county's.
    department_id uuid references departments (id),
    -- counties.calendar_revision after the change.
    version integer not null check (version >= 1),
    -- The last year whose holidays are known; a department has its county's.
    published_through integer check (published_through between 1992 and 2120),
    -- As it was written, whole: whoever counts by this version counts by these days, whatever is compiled into him.
    definition jsonb not null,
    -- Of the statutory calendar: which edition of it; none: an administrator wrote it, or it is a department's.
    statutory integer check (statutory >= 1),
    created_at timestamptz not null,
    -- Who changed it; none: a new binary brought a further statutory edition.
    created_by uuid references accounts (id),
    unique (county_id, version),
    check ((department_id is null) = (published_through is not null)),
    check (statutory is null or department_id is null)
);
create index calendars_department on calendars (department_id) where department_id is not null;
create index calendars_created_by on calendars (created_by) where created_by is not null;

-- After a change the due moments of open deadlines are computed anew, in batches; here is how far that has come.
create table calendar_recomputes (
    county_id uuid not null references counties (id),
    version integer not null,
    requested_at timestamptz not null,
    -- The second pass finds what was written by somebody who had read the version before.
    pass smallint not null default 1 check (pass in (1, 2)),
    -- When the pass may begin.
    due_at timestamptz not null,
    -- Subjects up to this one are done in this pass.
    after_subject uuid not null default '00000000-0000-0000-0000-000000000000',
    -- Deadlines moved so far.
    moved integer not null default 0,
    -- Why the last batch could not be done; it is tried again at due_at, and the other counties go on meanwhile.
    failure text,
    done_at timestamptz,
    primary key (county_id, version)
);
create index calendar_recomputes_due on calendar_recomputes (due_at) where done_at is null;

call isolate_by_county('calendars', 'select, insert');
call isolate_by_county('calendar_recomputes', 'select, insert, update');
