use sea_orm::{
    DatabaseBackend::{Postgres, Sqlite},
    Set,
};
use serde_json::json;
use uuid::Uuid;

use super::*;
use crate::entity::{
    idempotency_key, order, order_event, outbox_entry, scan, status::Status, tests::make_database, webhook,
    webhook_wait,
};

const ID: Uuid = Uuid::from_u128(0x0192_0000_0000_7000_8000_0000_0000_0001);

fn at(second: i64) -> DateTime<Utc> {
    DateTime::from_timestamp(1_800_000_000 + second, 120_000_000).unwrap()
}

fn wait(number: &str) -> webhook_wait::Model {
    webhook_wait::Model {
        carrier: "ups".to_owned(),
        tracking_number: number.to_owned(),
        webhook_id: ID,
        is_further: false,
    }
}

fn webhook() -> webhook::Model {
    webhook::Model {
        webhook_id: ID,
        sender: "ups".to_owned(),
        content_hash: vec![0, 255],
        body: b"{\"a\": 'b'}\0".to_vec(),
        request_id: None,
        received_at: at(0),
        state: "pending".to_owned(),
        reason: None,
        error: Some("lost".to_owned()),
        attempt: 1,
        failures: 1,
        duplicates: 0,
        calls: 0,
        due_at: Some(at(1)),
        says_estimate: false,
        came_again_at: None,
    }
}

/// The columns by which the tests find a webhook, and those that they close it with.
fn closed() -> [webhook::ActiveModel; 2] {
    let new =
        webhook::ActiveModel { state: Set("processed".to_owned()), due_at: Set(None), ..Default::default() };
    [webhook::ActiveModel { webhook_id: Set(ID), attempt: Set(1), ..Default::default() }, new]
}

fn update_of<A: ActiveModelTrait>(backend: DbBackend, rows: Vec<[A; 2]>) -> Statement {
    build_update(backend, rows, assign_sql, "").unwrap().unwrap()
}

/// The rows that a statement carries.
fn rows_of(statement: &Statement) -> Value {
    match statement.values.as_ref().map(|values| values.0.as_slice()) {
        Some([SqlValue::Json(Some(rows))]) => (**rows).clone(),
        Some([SqlValue::String(Some(rows))]) => serde_json::from_str(rows).unwrap(),
        other => panic!("one parameter with rows, not {other:?}"),
    }
}

#[test]
fn an_insert_reads_whole_rows_from_one_parameter() {
    let insert = |backend| {
        let statement = build_insert(backend, [wait("1Z")], "ON CONFLICT DO NOTHING");
        statement.unwrap().unwrap()
    };
    assert_eq!(
        insert(Postgres).sql,
        "INSERT INTO webhook_waits (carrier, tracking_number, webhook_id, is_further) \
         SELECT r.carrier, r.tracking_number, r.webhook_id, r.is_further \
         FROM jsonb_to_recordset($1) AS r(carrier varchar, tracking_number varchar, webhook_id uuid, is_further bool) \
         WHERE true ON CONFLICT DO NOTHING"
    );
    assert_eq!(
        insert(Sqlite).sql,
        "INSERT INTO webhook_waits (carrier, tracking_number, webhook_id, is_further) \
         SELECT r.carrier, r.tracking_number, r.webhook_id, r.is_further \
         FROM (SELECT value ->> '$.carrier' AS carrier, value ->> '$.tracking_number' AS tracking_number, \
         unhex(value ->> '$.webhook_id') AS webhook_id, value ->> '$.is_further' AS is_further FROM json_each(?1)) AS r \
         WHERE true ON CONFLICT DO NOTHING"
    );
    let row = json!([{"carrier": "ups", "tracking_number": "1Z", "webhook_id": ID.simple().to_string(), "is_further": false}]);
    assert_eq!([rows_of(&insert(Postgres)), rows_of(&insert(Sqlite))], [row.clone(), row]);
}

#[test]
fn the_types_are_those_of_the_entities() {
    fn types<E: EntityTrait>(backend: DbBackend) -> Vec<String> {
        E::Column::iter()
            .map(|column| declare_column(backend, column.as_str(), column.def().get_column_type()))
            .collect()
    }
    let postgres =
        [types::<order_event::Entity>(Postgres), types::<idempotency_key::Entity>(Postgres)].concat();
    for declared in [
        "to_status order_status",
        "version integer",
        "metadata jsonb",
        "inferred bool",
        "occurred_at timestamp with time zone",
        "fingerprint bytea",
    ] {
        assert!(postgres.iter().any(|column| column == declared), "{declared}: {postgres:?}");
    }
    let sqlite = [types::<order_event::Entity>(Sqlite), types::<idempotency_key::Entity>(Sqlite)].concat();
    for declared in [
        "value ->> '$.to_status' AS to_status",
        "value -> '$.metadata' AS metadata",
        "unhex(value ->> '$.fingerprint') AS fingerprint",
    ] {
        assert!(sqlite.iter().any(|column| column == declared), "{declared}: {sqlite:?}");
    }
}

#[test]
fn a_key_that_the_database_assigns_is_not_written() {
    let entry = outbox_entry::Model { outbox_id: 0, order_id: ID, user_id: ID, version: 1 };
    let statement = build_insert(Postgres, [entry], "").unwrap().unwrap();
    assert!(statement.sql.starts_with("INSERT INTO outbox (order_id, user_id, version) "), "{statement}");
    assert_eq!(rows_of(&statement)[0].as_object().unwrap().len(), 3);
}

#[test]
fn an_update_changes_the_columns_that_are_set_and_no_others() {
    let statement = update_of(Postgres, vec![closed()]);
    assert_eq!(
        statement.sql.trim_end(),
        "UPDATE webhooks SET state = r.new_state, due_at = r.new_due_at \
         FROM jsonb_to_recordset($1) AS r(key_webhook_id uuid, key_attempt integer, new_state varchar, \
         new_due_at timestamp with time zone) \
         WHERE webhooks.webhook_id = r.key_webhook_id AND webhooks.attempt = r.key_attempt"
    );
    let row = json!({"key_webhook_id": ID.simple().to_string(), "key_attempt": 1, "new_state": "processed"});
    assert_eq!(rows_of(&statement), json!([row]));
    assert_eq!(
        update_of(Sqlite, vec![closed()]).sql.trim_end(),
        "UPDATE webhooks SET state = r.new_state, due_at = r.new_due_at \
         FROM (SELECT unhex(value ->> '$.key_webhook_id') AS key_webhook_id, \
         value ->> '$.key_attempt' AS key_attempt, value ->> '$.new_state' AS new_state, \
         value ->> '$.new_due_at' AS new_due_at FROM json_each(?1)) AS r \
         WHERE webhooks.webhook_id = r.key_webhook_id AND webhooks.attempt = r.key_attempt"
    );
}

#[test]
fn one_column_can_be_a_condition_and_be_changed() {
    let model = |version| order::ActiveModel { version: Set(version), ..Default::default() };
    let statement = update_of(Postgres, vec![[model(1), model(3)]]);
    assert!(statement.sql.contains("SET version = r.new_version "), "{statement}");
    assert!(statement.sql.contains("WHERE orders.version = r.key_version"), "{statement}");
    assert_eq!(rows_of(&statement), json!([{"key_version": 1, "new_version": 3}]));
}

#[test]
fn rows_that_set_different_columns_are_refused() {
    let mut fewer = closed();
    fewer[1].not_set(webhook::Column::DueAt);
    let mut more = closed();
    more[1].error = Set(None);
    for other in [fewer, more] {
        let refused = build_update(Postgres, [closed(), other], assign_sql, "").unwrap_err();
        assert!(refused.to_string().contains("rows of webhooks that set different columns"), "{refused}");
    }
}

#[test]
fn many_rows_are_one_statement_with_the_text_of_one() {
    for backend in [Postgres, Sqlite] {
        let insert = |count: usize| {
            let rows = (0..count).map(|number| wait(&number.to_string()));
            build_insert(backend, rows, "").unwrap().unwrap()
        };
        assert_eq!(insert(1).sql, insert(500).sql);
        assert_eq!(rows_of(&insert(500)).as_array().unwrap().len(), 500);
        let update = |count| update_of(backend, vec![closed(); count]);
        assert_eq!(update(1).sql, update(500).sql);
        assert_eq!(rows_of(&update(500)).as_array().unwrap().len(), 500);
    }
}

#[test]
fn no_rows_are_no_statement() {
    assert!(build_insert::<webhook::Model>(Postgres, [], "").unwrap().is_none());
    assert!(build_update::<webhook::ActiveModel>(Sqlite, [], assign_sql, "").unwrap().is_none());
    assert!(build_select::<webhook::ActiveModel, 1>(Sqlite, "1", "", [""], []).unwrap().is_none());
}

#[test]
fn a_joined_row_names_the_columns_of_its_models_by_their_prefixes() {
    let model = |version| order_event::ActiveModel { version: Set(version), ..Default::default() };
    let rows = [[model(2), model(5)]];
    let join = "JOIN order_events e ON e.version BETWEEN r.first_version AND r.last_version";
    let statement = build_select(Postgres, "e.notes", join, ["first_", "last_"], rows).unwrap().unwrap();
    assert_eq!(
        statement.sql,
        format!(
            "SELECT e.notes FROM jsonb_to_recordset($1) AS r(first_version integer, last_version integer) {join}"
        )
    );
    assert_eq!(rows_of(&statement), json!([{"first_version": 2, "last_version": 5}]));
}

#[test]
fn bytes_are_the_text_that_the_database_reads_as_bytes() {
    let bytes = || SqlValue::Bytes(Some(vec![0, 15, 255]));
    assert_eq!(to_json(bytes(), Postgres), json!("\\x000fff"));
    assert_eq!(to_json(bytes(), Sqlite), json!("000fff"));
}

#[tokio::test]
async fn rows_are_read_as_they_were_written() {
    let database = make_database().await;
    let order = order::Model {
        order_id: ID,
        user_id: ID,
        reference: None,
        customer_email: Some("ö\"'@example.org".to_owned()),
        other_emails: Some(json!(["ü@example.org"])),
        notifications_muted: true,
        status: Status::AwaitingPickup,
        version: 1,
        total_cents: 2_147_483_647,
        currency: "EUR".to_owned(),
        fulfillment_path: "dropship".to_owned(),
        closed_at: Some(at(3)),
        closed_by: Some("support".to_owned()),
        closed_by_id: None,
        close_reason: Some("refunded".to_owned()),
        replaces: None,
        placed_at: at(0),
        updated_at: at(1),
        occurred_at: at(2),
    };
    let event = order_event::Model {
        event_id: 1,
        order_id: ID,
        version: 1,
        from_status: None,
        to_status: Status::Placed,
        actor: "system".to_owned(),
        actor_id: None,
        notes: None,
        metadata: Some(json!({"a": [1, null]})),
        inferred: true,
        occurred_at: at(0),
        recorded_at: at(1),
        request_id: None,
        webhook_id: Some(ID),
    };
    let without_metadata = order_event::Model { event_id: 2, version: 2, metadata: None, ..event.clone() };
    for statement in [
        build_insert(Sqlite, [order.clone()], ""),
        build_insert(Sqlite, [event.clone(), without_metadata.clone()], ""),
        build_insert(Sqlite, [webhook()], ""),
    ] {
        database.execute_raw(statement.unwrap().unwrap()).await.unwrap();
    }
    assert_eq!(order::Entity::find().all(&database).await.unwrap(), [order]);
    assert_eq!(order_event::Entity::find().all(&database).await.unwrap(), [event, without_metadata]);
    assert_eq!(webhook::Entity::find().all(&database).await.unwrap(), [webhook()]);
}

#[tokio::test]
async fn none_that_is_set_is_null_and_a_column_that_is_not_set_stays() {
    let database = make_database().await;
    database.execute_raw(build_insert(Sqlite, [webhook()], "").unwrap().unwrap()).await.unwrap();
    database.execute_raw(update_of(Sqlite, vec![closed()])).await.unwrap();
    let expected = webhook::Model { state: "processed".to_owned(), due_at: None, ..webhook() };
    assert_eq!(webhook::Entity::find().all(&database).await.unwrap(), [expected]);
}

#[test]
fn sums_are_taken_from_the_row_and_the_new_value() {
    let key = scan::ActiveModel { shipment_id: Set(ID), ..Default::default() };
    let added = scan::ActiveModel { seen: Set(2), ..Default::default() };
    let statement = build_update(Postgres, [[key, added]], sum_sql, "").unwrap().unwrap();
    assert!(
        statement.sql.starts_with("UPDATE scans SET seen = scans.seen + r.new_seen FROM "),
        "{statement}"
    );
}
