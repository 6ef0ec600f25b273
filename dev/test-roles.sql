-- For tests alone: a login that sees all counties, which the server must refuse. Run as a superuser, after roles.sql.
\set ON_ERROR_STOP on
\set password `printf %s "$YIJIAO_OWNER_PASSWORD"`

select 'create role yijiao_test_above login' where not exists (select from pg_roles where rolname = 'yijiao_test_above') \gexec
alter role yijiao_test_above bypassrls password :'password';
grant yijiao_app to yijiao_test_above;
