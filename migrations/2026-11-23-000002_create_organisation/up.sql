create table areas (
    id uuid primary key,
    county_id uuid not null references counties (id),
    code text not null,
    name text not null,
    short_name text not null,
    kind text not null check (kind in ('town', 'street', 'park')),
    aliases text[] not null default '{}',
    active boolean not null default true,
    unique (county_id, code)
);

create table departments (
    id uuid primary key,
    county_id uuid not null references counties (id),
    code text not null,
    name text not null,
    short_name text not null,
    aliases text[] not null default '{}',
    kind text not null,
    hotline text,
    enforces boolean not null default false,
    joint_inspection boolean not null default false,
    mechanism_roles text[] not null default '{}',
    -- The office of a park or town is a unit like any other; this is the area it serves.
    area_id uuid references areas (id),
    office text check (office in ('business_office', 'inspectorate', 'discipline', 'county_government')),
    active boolean not null default true,
    unique (county_id, code)
);
-- One business office, one inspectorate, one discipline body in a county.
create unique index departments_area on departments (area_id) where area_id is not null;
create unique index departments_office on departments (county_id, office) where office is not null;

create table officers (
    id uuid primary key,
    county_id uuid not null references counties (id),
    code text not null,
    name text not null,
    department_id uuid not null references departments (id),
    title text not null,
    post text not null check (post in ('head', 'deputy', 'section_head', 'dispatcher', 'lead', 'enforcement', 'county_leader')),
    backup_id uuid references officers (id),
    is_duty_contact boolean not null default false,
    mobile text not null,
    office_phone text,
    certificate_no text,
    status text not null default 'active' check (status in ('active', 'suspended', 'left')),
    unique (county_id, code),
    check (backup_id <> id)
);
create index officers_department on officers (department_id);
create index officers_backup on officers (backup_id);

create table absences (
    id uuid primary key,
    county_id uuid not null references counties (id),
    officer_id uuid not null references officers (id),
    starts_at timestamptz not null,
    ends_at timestamptz not null,
    reason text not null default '',
    -- An import ends only what an import brought.
    source text not null default 'entered' check (source in ('import', 'entered')),
    check (ends_at > starts_at),
    unique (officer_id, starts_at, source)
);
create index absences_officer on absences (officer_id, ends_at);

create table enterprises (
    id uuid primary key,
    county_id uuid not null references counties (id),
    code text not null,
    uscc text not null check (uscc ~ '^[0-9A-Z]{18}$'),
    name text not null,
    short_name text not null,
    kind text not null,
    industry_code text not null default '',
    industry_name text not null default '',
    area_id uuid not null references areas (id),
    address text not null default '',
    scale text not null default '',
    employees integer,
    annual_revenue_wan bigint,
    established_on date,
    qualifications text[] not null default '{}',
    need_tags text[] not null default '{}',
    stage text not null default '',
    authority_id uuid references departments (id),
    credit_class text not null default '',
    contact_name text not null default '',
    contact_mobile text not null default '',
    -- Where it stands, for "within 300 m" at arrival; degrees, WGS 84.
    latitude double precision check (latitude between -90 and 90),
    longitude double precision check (longitude between -180 and 180),
    status text not null check (status in ('operating', 'suspended', 'deregistered')),
    unique (county_id, code),
    unique (county_id, uscc),
    check ((latitude is null) = (longitude is null))
);
create index enterprises_area on enterprises (area_id);
create index enterprises_authority on enterprises (authority_id);

call isolate_by_county('areas');
call isolate_by_county('departments');
call isolate_by_county('officers');
call isolate_by_county('absences');
call isolate_by_county('enterprises');
