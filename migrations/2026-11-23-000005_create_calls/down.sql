drop table call_ratings;
drop table side_matters;
drop table holder_spans;
drop table calls;
drop sequence call_numbers;
