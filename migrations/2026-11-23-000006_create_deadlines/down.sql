drop table firings;
drop table deadlines;
