drop table hand_overs;
drop function refuse_pack_change();
drop table supervision_orders;
drop sequence supervision_order_numbers;
drop table card_appeals;
drop table cards;
drop function refuse_card_change();
