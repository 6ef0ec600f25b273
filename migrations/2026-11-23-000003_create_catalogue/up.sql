create table categories (
    id uuid primary key,
    county_id uuid not null references counties (id),
    code text not null,
    name text not null,
    description text not null default '',
    unique (county_id, code)
);

create table service_items (
    id uuid primary key,
    county_id uuid not null references counties (id),
    category_id uuid not null references categories (id),
    code text not null,
    name text not null,
    department_id uuid not null references departments (id),
    on_the_spot boolean not null,
    accept_working_minutes integer not null check (accept_working_minutes between 1 and 10080),
    respond_working_hours integer not null check (respond_working_hours between 1 and 240),
    resolve_working_days integer not null check (resolve_working_days between 0 and 250),
    keywords text[] not null default '{}',
    synonyms text[] not null default '{}',
    active boolean not null default true,
    unique (county_id, code)
);
create index service_items_category on service_items (category_id);
create index service_items_department on service_items (department_id);

-- Departments that help with an item, in order.
create table item_helpers (
    item_id uuid not null references service_items (id),
    department_id uuid not null references departments (id),
    county_id uuid not null references counties (id),
    rank smallint not null,
    primary key (item_id, department_id)
);
create index item_helpers_department on item_helpers (department_id);

-- The department's contact for an item: the lead officer (A角), for all areas or for one.
create table item_contacts (
    id uuid primary key,
    county_id uuid not null references counties (id),
    item_id uuid not null references service_items (id),
    officer_id uuid not null references officers (id),
    area_id uuid references areas (id),
    unique nulls not distinct (item_id, area_id)
);
create index item_contacts_officer on item_contacts (officer_id);
create index item_contacts_area on item_contacts (area_id);

-- Sentences enterprises really used, with the item they meant: what keyword routing learns from.
create table catalogue_examples (
    id uuid primary key,
    county_id uuid not null references counties (id),
    item_id uuid not null references service_items (id),
    text text not null,
    unique (item_id, text)
);

-- Sentences that are no call for any item: a matter of somebody else (12345, a school), or about an earlier call, a greeting, a test.
create table catalogue_asides (
    id uuid primary key,
    county_id uuid not null references counties (id),
    kind text not null check (kind in ('outside', 'follow_up')),
    text text not null,
    unique (county_id, text)
);

-- Which officer answers which matter of which enterprise (联系服务卡). Neither item nor category: the enterprise's lead officer.
create table contact_cards (
    id uuid primary key,
    county_id uuid not null references counties (id),
    enterprise_id uuid not null references enterprises (id),
    item_id uuid references service_items (id),
    category_id uuid references categories (id),
    officer_id uuid not null references officers (id),
    backup_id uuid references officers (id),
    check (item_id is null or category_id is null),
    check (backup_id <> officer_id),
    unique nulls not distinct (enterprise_id, item_id, category_id)
);
create index contact_cards_item on contact_cards (item_id);
create index contact_cards_category on contact_cards (category_id);
create index contact_cards_officer on contact_cards (officer_id);
create index contact_cards_backup on contact_cards (backup_id);

call isolate_by_county('categories');
call isolate_by_county('service_items');
call isolate_by_county('item_helpers');
call isolate_by_county('item_contacts');
call isolate_by_county('catalogue_examples');
call isolate_by_county('catalogue_asides');
call isolate_by_county('contact_cards');

-- A replica learns the county's words once per revision; whatever they come from counts it up.
create function count_catalogue_revision() returns trigger language plpgsql as $$ begin
    update counties set catalogue_revision = catalogue_revision + 1 where id = current_county();
    return null;
end $$;
create trigger service_items_revision after insert or update or delete on service_items
    for each statement execute function count_catalogue_revision();
create trigger catalogue_examples_revision after insert or update or delete on catalogue_examples
    for each statement execute function count_catalogue_revision();
create trigger catalogue_asides_revision after insert or update or delete on catalogue_asides
    for each statement execute function count_catalogue_revision();
create trigger departments_revision after insert or update or delete on departments
    for each statement execute function count_catalogue_revision();
create trigger areas_revision after insert or update or delete on areas
    for each statement execute function count_catalogue_revision();
