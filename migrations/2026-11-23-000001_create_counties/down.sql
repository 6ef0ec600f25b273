drop table counties;
drop procedure isolate_by_county(regclass, text);
drop function across_counties();
drop function current_county();
revoke usage on schema public from yijiao_app;
-- The role stays: other databases of the same server may use it.
