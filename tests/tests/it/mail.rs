//! Tests what the answers of a mail server mean for a mail.

mod library;

use std::time::Duration;

use chrono::{DateTime, Utc};
use tests::smtp::{Behaviour, SmtpServer};
use tokio::net::TcpListener;
use worker::mail::{Kind, Mail, Mailer, OrderMail, SendError, Timeouts};

const FROM: &str = "Corner Shop <orders@shop.example>";
const TO: &str = "jane@example.org";

fn at() -> DateTime<Utc> {
    "2026-11-03T08:05:09Z".parse().expect("a time")
}

fn mail(to: &str) -> Mail {
    let order = OrderMail {
        kind: Kind::Delivered,
        shop: "Jörg's Corner Shop".to_owned(),
        order: "A-1001".to_owned(),
        progress: "delivered: 1 of 1 item".to_owned(),
        shipments: Vec::new(),
        remaining: Vec::new(),
        called_off: Vec::new(),
        total: "USD 59.00".to_owned(),
        placed_at: at(),
        link: "https://shop.example/track/t0ken?a=1".to_owned(),
    };
    order.render(to, "notify-1-delivered").expect("a mail")
}

fn mailer(url: &str) -> Mailer {
    let timeouts = Timeouts { connect: Duration::from_secs(5), step: Duration::from_secs(5) };
    Mailer::smtp_with_timeouts(url, FROM, timeouts).expect(url)
}

/// Records nothing before the content is sent.
async fn not_recorded() -> Result<(), SendError> {
    Ok(())
}

/// Sends a mail to a server with this behaviour. Returns the error and the server.
async fn refusal(behaviour: Behaviour) -> (SendError, SmtpServer) {
    let server = SmtpServer::start(behaviour).await.expect("a free port");
    let error = mailer(&server.url()).send(&mail(TO), at(), not_recorded()).await.expect_err("a refusal");
    (error, server)
}

#[tokio::test]
async fn a_mail_arrives_as_it_was_written() {
    let server = SmtpServer::start(Behaviour::Accept).await.unwrap();
    mailer(&server.url()).send(&mail(TO), at(), not_recorded()).await.unwrap();

    let [mail] = &server.wait_for(1).await[..] else { panic!("one mail") };
    assert_eq!((mail.from.as_str(), &mail.to[..]), ("orders@shop.example", &[TO.to_owned()][..]));
    assert_eq!(mail.subject(), "Your order A-1001 has been delivered");
    assert_eq!(mail.message_id(), "<notify-1-delivered@shop.example>");
    assert_eq!(mail.header("auto-submitted").as_deref(), Some("auto-generated"));
    assert_eq!(mail.header("Date").as_deref(), Some("Tue, 03 Nov 2026 08:05:09 +0000"));
    let text = mail.readable();
    assert!(text.contains("\r\nJörg's Corner Shop"), "{text}");
    assert!(text.contains("Follow your order: https://shop.example/track/t0ken?a=1\r\n"), "{text}");
    assert!(text.contains("<h1 class=\"headline\""), "{text}");
}

#[tokio::test]
async fn mails_share_a_connection_and_a_lost_one_is_replaced() {
    let server = SmtpServer::start(Behaviour::Accept).await.unwrap();
    let mailer = mailer(&server.url());
    for _ in 0..3 {
        mailer.send(&mail(TO), at(), not_recorded()).await.unwrap();
    }
    assert_eq!((server.mails().len(), server.connections()), (3, 1));

    server.behave(Behaviour::Closed);
    let error = mailer.send(&mail(TO), at(), not_recorded()).await.unwrap_err();
    assert!(matches!(error, SendError::Transient { .. }), "{error}");
    server.behave(Behaviour::Accept);
    mailer.send(&mail(TO), at(), not_recorded()).await.unwrap();
    assert_eq!(server.mails().len(), 4);
}

#[tokio::test]
async fn a_refused_recipient_is_permanent_and_masked() {
    let (error, server) =
        refusal(Behaviour::RefuseRecipient(550, "5.1.1 <jane@example.org> no such user")).await;
    let SendError::Permanent { reason } = &error else { panic!("{error}") };
    assert_eq!(reason, "the recipient (RCPT TO): 550 5.1.1 <j***@example.org> no such user");
    assert!(!error.retryable());
    assert!(server.mails().is_empty());
}

#[tokio::test]
async fn refused_content_is_permanent() {
    let (error, _server) = refusal(Behaviour::RefuseContent(554, "5.7.1 looks like spam")).await;
    assert_eq!(
        error,
        SendError::Permanent { reason: "after the content: 554 5.7.1 looks like spam".to_owned() }
    );
}

#[tokio::test]
async fn what_may_pass_or_is_our_own_fault_is_transient() {
    for (behaviour, words) in [
        (Behaviour::Greylist, "451 4.7.1 greylisted, come again later"),
        (Behaviour::RefuseContent(452, "4.3.1 disk full"), "452 4.3.1 disk full"),
        (Behaviour::RefuseRecipient(421, "too busy"), "421 too busy"),
        (
            Behaviour::RefuseSender(550, "5.7.1 not your domain"),
            "the sender (MAIL FROM): 550 5.7.1 not your domain",
        ),
        (Behaviour::RefuseRecipient(530, "5.7.0 log in first"), "530 5.7.0 log in first"),
        (Behaviour::Closed, "the server closed the connection"),
    ] {
        let (error, server) = refusal(behaviour).await;
        let SendError::Transient { reason } = &error else { panic!("{words}: {error}") };
        assert!(reason.ends_with(words), "{reason}");
        assert!(error.retryable());
        server.behave(Behaviour::Accept);
        mailer(&server.url()).send(&mail(TO), at(), not_recorded()).await.unwrap();
        assert_eq!((server.mails().len(), server.attempts()), (1, 2), "{words}");
    }
}

#[tokio::test]
async fn a_wrong_password_makes_mails_wait() {
    let server = SmtpServer::start(Behaviour::RefuseLogin).await.unwrap();
    let mailer = mailer(&format!("smtp://shop:s3cret@{}", server.address()));
    for error in
        [mailer.send(&mail(TO), at(), not_recorded()).await.unwrap_err(), mailer.check().await.unwrap_err()]
    {
        let SendError::Transient { reason } = &error else { panic!("{error}") };
        assert!(
            reason.contains("user and password of the SMTP URL") && reason.contains("535 5.7.8"),
            "{reason}"
        );
        assert!(!reason.contains("s3cret"), "{reason}");
    }
    server.behave(Behaviour::Accept);
    mailer.check().await.unwrap();
    mailer.send(&mail(TO), at(), not_recorded()).await.unwrap();
    assert_eq!(server.mails().len(), 1);
}

#[tokio::test]
async fn a_connection_lost_after_the_content_is_unknown_and_the_resend_recognisable() {
    let (error, server) = refusal(Behaviour::DropAfterData).await;
    let reason = "after the content: the server closed the connection".to_owned();
    assert_eq!(error, SendError::Unknown { reason });
    assert!(error.retryable());

    server.behave(Behaviour::Accept);
    mailer(&server.url()).send(&mail(TO), at(), not_recorded()).await.unwrap();
    let mails = server.wait_for(2).await;
    assert_eq!(mails[0].message_id(), mails[1].message_id());
}

#[tokio::test]
async fn a_server_that_hangs_after_the_content_is_unknown_and_its_late_answer_nobody_elses() {
    let server = SmtpServer::start(Behaviour::Hang).await.unwrap();
    let timeouts = Timeouts { connect: Duration::from_secs(5), step: Duration::from_secs(1) };
    let mailer = Mailer::smtp_with_timeouts(&server.url(), FROM, timeouts).unwrap();
    let error = mailer.send(&mail(TO), at(), not_recorded()).await.unwrap_err();
    assert_eq!(error, SendError::Unknown { reason: "after the content: no answer in 1s".to_owned() });

    server.behave(Behaviour::RefuseContent(554, "no"));
    let error = mailer.send(&mail(TO), at(), not_recorded()).await.unwrap_err();
    assert!(matches!(error, SendError::Permanent { .. }), "{error}");
}

#[tokio::test]
async fn tls_that_is_not_there_makes_mails_wait() {
    let server = SmtpServer::start(Behaviour::Accept).await.unwrap();
    let address = server.address();
    for (url, words) in [
        (format!("smtp://shop:s3cret@{address}?tls=required"), "switching to TLS"),
        (format!("smtps://shop:s3cret@{address}"), "connecting to"),
    ] {
        let error = mailer(&url).send(&mail(TO), at(), not_recorded()).await.unwrap_err();
        let SendError::Transient { reason } = &error else { panic!("{error}") };
        assert!(reason.contains(words), "{reason}");
    }
    assert_eq!(server.attempts(), 0, "neither password nor mail was sent in the open");
    mailer(&format!("smtp://{address}?tls=opportunistic"))
        .send(&mail(TO), at(), not_recorded())
        .await
        .unwrap();
}

#[tokio::test]
async fn a_server_that_is_down_is_named() {
    let port = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap().port();
    let mailer = mailer(&format!("smtp://127.0.0.1:{port}"));
    for error in
        [mailer.send(&mail(TO), at(), not_recorded()).await.unwrap_err(), mailer.check().await.unwrap_err()]
    {
        let SendError::Transient { reason } = &error else { panic!("{error}") };
        assert!(reason.starts_with(&format!("connecting to 127.0.0.1:{port}: ")), "{reason}");
        assert!(reason.contains("refused"), "{reason}");
    }
}

#[tokio::test]
async fn no_address_is_no_attempt() {
    let server = SmtpServer::start(Behaviour::Accept).await.unwrap();
    let mailer = mailer(&server.url());
    for to in ["", "jane", "jane@example.org\r\nRCPT TO:<eve@example.org>", "jörg@example.org"] {
        let error = mailer.send(&mail(to), at(), not_recorded()).await.unwrap_err();
        assert!(matches!(error, SendError::Permanent { .. }), "{to}: {error}");
    }
    assert_eq!((server.attempts(), server.mails().len()), (0, 0));
}

#[tokio::test]
async fn a_line_of_one_dot_ends_nothing() {
    let server = SmtpServer::start(Behaviour::Accept).await.unwrap();
    let text = "one\n.\nQUIT\n..two\n".to_owned();
    mailer(&server.url()).send(&Mail { text, ..mail(TO) }, at(), not_recorded()).await.unwrap();
    let [mail] = &server.mails()[..] else { panic!("one mail") };
    assert!(mail.readable().contains("one\r\n.\r\nQUIT\r\n..two"), "{}", mail.readable());
}
