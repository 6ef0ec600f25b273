drop table county_texts;
drop table subscription_grants;
drop table notice_attempts;
drop table notices;
drop table department_channels;
drop table officer_addresses;
drop table channels;
