drop table calendar_recomputes;
drop table calendars;
