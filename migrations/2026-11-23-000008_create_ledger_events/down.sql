drop table ledger_events;
drop function refuse_change();
