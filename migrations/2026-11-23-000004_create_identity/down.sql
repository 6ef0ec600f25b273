drop table signing_keys;
drop table refresh_tokens;
drop table sessions;
drop table platform_logins;
drop table members;
drop table account_roles;
drop table accounts;
