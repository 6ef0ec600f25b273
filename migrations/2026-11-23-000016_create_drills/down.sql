drop table drill_contacts;
drop table drills;
