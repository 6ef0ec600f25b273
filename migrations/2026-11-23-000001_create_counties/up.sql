-- The role the server works as. Logins (of the server, of an operator) are made members of it by whoever runs the database;
-- it owns nothing and bypasses nothing, so row-level security always holds for it.
do $$ begin
    if not exists (select from pg_roles where rolname = 'yijiao_app') then
        begin
            create role yijiao_app nologin nosuperuser nocreatedb nocreaterole nobypassrls;
        exception when duplicate_object or unique_violation then
            null; -- another database of the same server created it at the same moment
        end;
    end if;
    if not pg_has_role(current_user, 'yijiao_app', 'member') then
        execute format('grant yijiao_app to %I', current_user);
    end if;
end $$;
grant usage on schema public to yijiao_app;
-- The server is ready only on the schema it was compiled for.
grant select on __diesel_schema_migrations to yijiao_app;

-- The county of the present transaction; null when the transaction did not say, and then no row is visible.
create function current_county() returns uuid language sql stable parallel safe
    return nullif(current_setting('yijiao.county', true), '')::uuid;

-- True only in a worker's transaction that says openly that it looks across all counties (queue sweeps, due deadlines, checks).
create function across_counties() returns boolean language sql stable parallel safe
    return coalesce(current_setting('yijiao.across_counties', true), '') = 'on';

-- Puts a table under county isolation, also for its owner, and grants the server what it needs.
create procedure isolate_by_county(target regclass, privileges text default 'select, insert, update, delete')
language plpgsql as $$ begin
    execute format('alter table %s enable row level security', target);
    execute format('alter table %s force row level security', target);
    -- As sub-queries they are computed once for a statement, not once for a row, which costs more than the row itself.
    execute format('create policy county_isolation on %s using (county_id = (select current_county()) or (select across_counties()))',
        target);
    execute format('grant %s on %s to yijiao_app', privileges, target);
end $$;

create table counties (
    id uuid primary key,
    code text not null unique check (code ~ '^[a-z][a-z0-9-]{1,31}$'),
    name text not null check (name <> ''),
    settings jsonb not null default '{}',
    -- Counts changes of the catalogue, so that a replica knows when what it learned from it is old.
    catalogue_revision integer not null default 0,
    -- Counts changes of the working calendar; the latest version of it.
    calendar_revision integer not null default 0,
    -- Counts changes of the settings; once somebody has changed them here, an import leaves them alone.
    settings_revision integer not null default 0,
    -- The ladders as the last release shipped them that worked for the county: should the next one ship others, what runs is left on these.
    shipped_ladder jsonb,
    created_at timestamptz not null default now()
);
-- A login must find its county before it has one: its code and name, and the rules it works by, are public.
alter table counties enable row level security;
alter table counties force row level security;
create policy county_is_public on counties for select using (true);
create policy county_keeps_itself on counties using (id = current_county());
grant select, insert, update on counties to yijiao_app;
