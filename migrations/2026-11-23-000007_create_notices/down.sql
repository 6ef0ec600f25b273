drop table notice_attempts;
drop table notices;
drop table channels;
