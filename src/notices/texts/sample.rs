//! What texts are tried on before they are put to use: a notice of which everything is known, one of which next to nothing is, and none.

use chrono::{DateTime, TimeDelta, Utc};
use serde_json::{Value, json};
use uuid::Uuid;

/// Whose room reads it.
pub const ROOM: &str = "市场监管局";

/// Of which everything is known.
pub fn full(now: DateTime<Utc>) -> Value {
    let at = |hours: i64| now + TimeDelta::hours(hours);
    json!({
        "number": "482913607", "order": "DB-20260012", "callId": Uuid::nil(), "title": "3号楼停电",
        "text": "3号楼停电，两条线都停了，请打13900000000找王工", "state": "dispatched", "urgency": "urgent",
        "enterprise": "宏达机械有限公司", "place": "城关工业园8号", "contactName": "王经理", "contactPhone": "13800000000",
        "department": "供电局", "holder": "李强", "holderMobile": "13700000000", "itemName": "电力抢修", "actor": "赵敏",
        "reason": "按联系服务卡", "dueAt": at(1), "resolveDueAt": at(24), "raisedAt": now, "actPath": "/a/sample",
        "note": "已派两人", "to": "住建局", "until": at(48), "approved": true, "workingDays": 3, "appointmentAt": at(2),
        "result": "已恢复供电", "suggestions": ["供电局", "住建局"], "clock": "accept", "clockDueAt": now, "heldMinutes": 25,
        "lateMinutes": 10, "rank": "deputy", "rung": 2, "card": "yellow", "why": "dead_target",
        "done": "call.accepted", "doneAt": now,
    })
}

/// All of them.
pub fn all(now: DateTime<Utc>) -> [Value; 4] {
    let mut critical = full(now);
    if let Value::Object(fields) = &mut critical {
        fields.insert("urgency".to_owned(), json!("critical"));
        fields.insert("approved".to_owned(), json!(false));
        fields.remove("lateMinutes");
        fields.insert("leftMinutes".to_owned(), json!(80));
        fields.insert("liftedBy".to_owned(), json!("urge"));
    }
    [full(now), critical, json!({ "number": "482913607", "title": "3号楼停电" }), json!({})]
}
