drop table counties;
drop procedure isolate_by_county(regclass, text);
drop function across_counties();
drop function current_county();
revoke select on __diesel_schema_migrations from yijiao_app;
revoke usage on schema public from yijiao_app;
-- The role stays: other databases of the same server may use it.
