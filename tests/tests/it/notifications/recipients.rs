//! Tests orders with several recipients: each gets a mail of its own, which succeeds or fails on its own.

use domain::{NewOrder, NotificationState, OrderId, OrderStatus};
use tests::{
    database::Database,
    on_every_database,
    shop::{Shop, new_order, support},
    smtp::{Behaviour, SmtpServer},
};

use super::{notifications, shop_with};

on_every_database!(each_recipient_gets_one_mail, one_recipient_that_is_refused_does_not_stop_the_others);

async fn place_for(shop: &Shop, addresses: &[&str]) -> OrderId {
    let addresses = addresses.iter().map(|&address| address.to_owned()).collect();
    let new = NewOrder { customer_email: None, customer_emails: Some(addresses), ..new_order(&[1]) };
    shop.app.orders().place_order(&support(), new, None).await.unwrap().order.id
}

async fn each_recipient_gets_one_mail(database: Database) {
    let server = SmtpServer::start(Behaviour::Accept).await.unwrap();
    let shop = shop_with(&server, &database).await;
    let addresses = ["jane@example.org", "joe@example.org", "office@example.org"];
    let order = place_for(&shop, &addresses).await;
    assert_eq!(shop.head(order).await.recipients().collect::<Vec<_>>(), addresses);
    shop.to(order, OrderStatus::Cancelled).await.unwrap();
    shop.drain().await;
    shop.drain().await;
    let mut sent: Vec<(Vec<String>, String)> =
        server.mails().iter().map(|mail| (mail.to.clone(), mail.message_id())).collect();
    sent.sort();
    let key = format!("notify-{order}-cancelled");
    let expected = addresses.iter().zip([key.clone(), format!("{key}-2"), format!("{key}-3")]);
    let expected: Vec<_> =
        expected.map(|(to, key)| (vec![(*to).to_owned()], format!("<{key}@example.org>"))).collect();
    assert_eq!(sent, expected, "one mail each, and nobody sees another's address");
    let rows = notifications(&shop, order).await;
    assert!(rows.iter().all(|one| one.state == NotificationState::Sent), "{rows:?}");
}

async fn one_recipient_that_is_refused_does_not_stop_the_others(database: Database) {
    let server = SmtpServer::start(Behaviour::Accept).await.unwrap();
    let shop = shop_with(&server, &database).await;
    // An address that no mail can go to is refused at placement, so the test writes it into the row.
    let order = place_for(&shop, &["jane@example.org", "joe@example.org"]).await;
    shop.to(order, OrderStatus::Cancelled).await.unwrap();
    let second = "UPDATE notifications SET recipient = 'no address' WHERE key LIKE '%-2'";
    database.execute(second).await;
    shop.drain().await;
    let mut rows = notifications(&shop, order).await;
    rows.sort_by_key(|row| row.key.clone());
    let states: Vec<_> = rows.iter().map(|row| row.state).collect();
    assert_eq!(states, [NotificationState::Sent, NotificationState::Failed]);
    assert_eq!(server.mails().len(), 1);
}
