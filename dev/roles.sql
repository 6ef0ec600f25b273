-- Roles and database, for whoever runs the server (run as a superuser; may be run again). The login's password comes from
-- the environment, so that it stands in no file and no process list.
--   yijiao_owner  owns the database, migrates, and is the login of the server
--   yijiao_app    what the server becomes on each connection (SET ROLE): owns nothing, so row-level security always holds
\set ON_ERROR_STOP on
set client_min_messages = warning; -- "already a member" is no news
\set password `printf %s "$YIJIAO_OWNER_PASSWORD"`

select 'create role yijiao_app nologin' where not exists (select from pg_roles where rolname = 'yijiao_app') \gexec
select 'create role yijiao_owner login' where not exists (select from pg_roles where rolname = 'yijiao_owner') \gexec
alter role yijiao_owner nosuperuser nobypassrls password :'password';
grant yijiao_app to yijiao_owner;
select 'create database yijiao owner yijiao_owner' where not exists (select from pg_database where datname = 'yijiao') \gexec
