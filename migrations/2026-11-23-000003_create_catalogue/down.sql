drop table contact_cards;
drop table catalogue_asides;
drop table catalogue_examples;
drop table item_contacts;
drop table item_helpers;
drop table service_items;
drop table categories;
drop function count_catalogue_revision();
