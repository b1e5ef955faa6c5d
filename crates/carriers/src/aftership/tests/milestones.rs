//! How far a parcel is: the flag of a return, and the carrier's own code beside a tag.

use super::*;

#[test]
fn the_flag_of_a_return_makes_the_delivery_a_return() {
    let parcel = |tracking: Value| read(&json!({"event": "tracking_update", "msg": tracking}).to_string());
    let meanings = |tracking: Value| -> Vec<Meaning> {
        parcel(tracking).scans.iter().map(|scan| scan.meaning).collect()
    };
    let of = |flag: bool, checkpoints: Value| json!({"slug": "ups", "tracking_number": "1", "tag": "Delivered", "return_to_sender": flag, "checkpoints": checkpoints});
    let delivered = json!({"tag": "Delivered", "checkpoint_time": "2026-01-15T12:00:00-05:00"});
    let moving = json!({"tag": "InTransit", "checkpoint_time": "2026-01-14T12:00:00-05:00"});
    let returning = json!({"tag": "Exception", "subtag": "Exception_010", "checkpoint_time": "2026-01-14T18:00:00-05:00"});
    let (back, way_back) =
        (Meaning::Condition(ConditionKind::Returned), Meaning::Condition(ConditionKind::Returning));
    assert_eq!(meanings(of(true, json!([]))), [back]);
    assert_eq!(meanings(of(true, json!([delivered]))), [back]);
    assert_eq!(meanings(of(true, json!([moving, delivered]))), [way_back, back]);
    assert_eq!(meanings(of(false, json!([delivered]))), [Meaning::Status(Delivered)]);
    // A checkpoint tells since when it goes back.
    let dated = json!([moving, returning, delivered]);
    assert_eq!(parcel(of(true, dated.clone())).scans, parcel(of(false, dated)).scans);
    let flagged = parcel(of(true, json!([delivered]))).scans.remove(0);
    assert_ne!(flagged.identity, parcel(of(false, json!([delivered]))).scans[0].identity);
}

#[test]
fn a_tag_is_believed_unless_the_carriers_code_says_less() {
    let label = json!({"tag": "InTransit", "raw_tag": "MP", "message": "Label", "checkpoint_time": "2026-01-14T12:00:00"});
    let scan = checkpoint(label.clone());
    assert_eq!((scan.meaning, &*scan.code), (Meaning::Status(LabelCreated), "InTransit"));
    // The tag of the parcel repeats that of its checkpoint.
    let body = json!({"event": "tracking_update", "msg": {
        "tracking_number": "1", "slug": "ups", "tag": "InTransit", "checkpoints": [label],
    }});
    let scans = read(&body.to_string()).scans;
    assert_eq!(scans.iter().map(|scan| scan.meaning).collect::<Vec<_>>(), [scan.meaning]);
    let configured = read_with(&body.to_string(), "aftership.InTransit=held").scans.remove(0);
    assert_eq!(configured.meaning, Meaning::Condition(ConditionKind::Held));
    assert_eq!(configured.identity, scan.identity);
    assert_eq!(checkpoint(json!({"tag": "InTransit", "raw_tag": "AR"})).meaning, Meaning::Status(InTransit));
}
