drop table enterprises;
drop table absences;
drop table officers;
drop table departments;
drop table areas;
