//! Checks the assertions of the demo's story against a [`Snapshot`]. All functions are pure.
//!
//! Called by `demo::story` again and again until all assertions of a step are true. Each check returns a [`Verdict`]:
//!
//! - `Ok` with a text: true; the text is printed below the step.
//! - `Ok(None)`: true, and there is nothing to print, because the status beside the step says it.
//! - `Err`: false; the text says what is so instead.
//!
//! `check_granted` looks at all answers of the step, `check_refused` at the last one. `code` is the code of the
//! refusal. `find_shipment` finds by tracking number; its `Err` is such a text too.

use domain::OrderStatus;

use super::{
    script::Assertion,
    snapshot::{Shipment, Snapshot},
};
use crate::api_client::to_graphql_enum;

/// The result of a check. `Ok` has the line to print below the step, or `None` if the status of the order says it all.
/// `Err` says what is so instead.
type Verdict = Result<Option<String>, String>;

impl Assertion {
    pub fn check(&self, snapshot: &Snapshot) -> Verdict {
        match self {
            Self::Granted => check_granted(snapshot),
            Self::Refused(code) => check_refused(code, snapshot),
            Self::Allowed(statuses) => {
                let allowed = snapshot
                    .answers
                    .mutations
                    .last()
                    .map(|answer| answer.allowed_statuses())
                    .unwrap_or_default();
                verdict(
                    allowed == status_names(statuses),
                    format!("allowed: {}", allowed.join(" or ")),
                    format!("allowed are {allowed:?}"),
                )
            }
            Self::OneWinner => check_one_winner(snapshot),
            Self::NothingToDo => {
                let answer = snapshot.answers.mutations.last().and_then(|answer| answer.changed());
                verdict(answer == Some(false), "changed: false", format!("changed is {answer:?}"))
            }
            Self::Answered(status) => {
                let answer = snapshot.answers.webhooks.last();
                verdict(
                    answer == Some(status),
                    format!("answered {status}"),
                    format!("it was answered with {answer:?}"),
                )
            }
            Self::Hidden => verdict(snapshot.answers.looks == [false], "order: null", "the order was shown"),
            Self::Status(status) => check_status(&to_graphql_enum(status.as_str()), &snapshot.order.status),
            Self::Progress(summary) => {
                let said = &snapshot.order.progress.summary;
                let shown = snapshot.page.contains(summary);
                verdict(
                    said == summary && shown,
                    format!("progress: {said}"),
                    format!("the API says {said:?}, the customer's page shows it: {shown}"),
                )
            }
            Self::History(statuses) => check_history(statuses, snapshot),
            Self::Inferred(statuses) => {
                let inferred = snapshot.order.events.nodes.iter().filter(|event| event.inferred);
                let inferred: Vec<_> = inferred.map(|event| event.to_status.as_str()).collect();
                verdict(
                    inferred == status_names(statuses),
                    format!("marked as inferred: {}", inferred.join(", ")),
                    format!("inferred are {inferred:?}"),
                )
            }
            Self::Copies(parcel, copies) => {
                let theirs = snapshot.webhooks.iter().filter(|webhook| webhook.body.contains(&parcel.number));
                let kept: Vec<_> = theirs.map(|webhook| webhook.duplicates).collect();
                verdict(
                    kept == [*copies],
                    format!("kept once; {copies} copies counted and not read again"),
                    format!("kept are webhooks with so many copies: {kept:?}"),
                )
            }
            Self::Scan(parcel, status, effect) => {
                let (status, effect) = (to_graphql_enum(status.as_str()), to_graphql_enum(effect.as_str()));
                let scans = find_shipment(snapshot, &parcel.number)?;
                let scan = scans.scans.nodes.iter().find(|scan| scan.status.as_ref() == Some(&status));
                let scan = scan.ok_or_else(|| format!("no scan says {status}"))?;
                verdict(
                    scan.effect == effect,
                    format!("the scan \"{}\" is kept as {effect}", scan.description),
                    format!("its effect is {}", scan.effect),
                )
            }
            Self::Scans(parcel, count) => {
                let scans = find_shipment(snapshot, &parcel.number)?.scans.nodes.len();
                verdict(
                    scans == *count,
                    format!("{scans} scans on the parcel, each once"),
                    format!("it has {scans} scans"),
                )
            }
            Self::Mail(what) => {
                let subject = format!("Your order {} {what}", snapshot.order.reference);
                let mails = snapshot.mailbox.matches(&subject).count();
                verdict(
                    mails == 1,
                    format!("mail caught: \"{subject}\""),
                    format!("{mails} mails say \"{subject}\""),
                )
            }
            Self::NoMail(what) => {
                let subject = format!("Your order {} {what}", snapshot.order.reference);
                verdict(
                    !snapshot.mailbox.contains(&subject),
                    format!("no mail says that it {what}"),
                    format!("a mail says \"{subject}\""),
                )
            }
            Self::Superseded(status) => {
                let status = to_graphql_enum(status.as_str());
                let notification =
                    snapshot.order.notifications.iter().find(|notification| notification.status == status);
                let reason = notification.and_then(|notification| notification.reason.as_deref());
                verdict(
                    reason == Some("superseded"),
                    format!("no stale mail about {status}: superseded"),
                    format!("the mail about {status} is {notification:?}"),
                )
            }
        }
    }
}

fn verdict(holds: bool, passed_line: impl Into<String>, failure: impl Into<String>) -> Verdict {
    if holds { Ok(Some(passed_line.into())) } else { Err(failure.into()) }
}

fn check_status(wanted: &str, found: &str) -> Verdict {
    if wanted == found { Ok(None) } else { Err(format!("it is {found}")) }
}

fn check_granted(snapshot: &Snapshot) -> Verdict {
    if let Some((name, message)) = snapshot.answers.mutations.iter().find_map(|answer| answer.refusal()) {
        return Err(format!("it was refused: {name}, {message}"));
    }
    match snapshot.answers.webhooks.iter().find(|status| !status.is_success()) {
        Some(status) => Err(format!("a webhook was answered {status}")),
        None => Ok(None),
    }
}

fn check_refused(code: &str, snapshot: &Snapshot) -> Verdict {
    match snapshot.answers.mutations.last().and_then(|answer| answer.refusal()) {
        Some((found, message)) if found == code => Ok(Some(format!("refused, {code}: {message}"))),
        Some((found, _)) => Err(format!("it was refused as {found}")),
        None => Err("it was granted".to_owned()),
    }
}

fn check_one_winner(snapshot: &Snapshot) -> Verdict {
    let answers = &snapshot.answers.mutations;
    let winners = answers.iter().filter(|answer| answer.changed() == Some(true)).count();
    let others = answers.iter().filter(|answer| answer.changed() == Some(false)).count();
    verdict(
        winners == 1 && others == answers.len() - 1,
        format!("one changed the order, {others} were told that it is so already"),
        format!("{winners} of {} changed the order", answers.len()),
    )
}

fn check_history(statuses: &[OrderStatus], snapshot: &Snapshot) -> Verdict {
    let events = &snapshot.order.events.nodes;
    let dense = events.iter().map(|event| event.version).eq(1..=snapshot.order.version);
    let path: Vec<_> = events.iter().map(|event| event.to_status.as_str()).collect();
    verdict(
        path == status_names(statuses) && dense,
        format!("history: {} events, versions without gaps", events.len()),
        format!("the history is {path:?}, its versions without gaps: {dense}"),
    )
}

fn find_shipment<'a>(snapshot: &'a Snapshot, number: &str) -> Result<&'a Shipment, String> {
    let parcel = snapshot.order.shipments.iter().find(|parcel| parcel.tracking_number == number);
    parcel.ok_or_else(|| format!("the order has no parcel {number}"))
}

fn status_names(statuses: &[OrderStatus]) -> Vec<String> {
    statuses.iter().map(|status| to_graphql_enum(status.as_str())).collect()
}

#[cfg(test)]
mod tests {
    use domain::OrderStatus::*;
    use serde_json::json;

    use super::*;
    use crate::demo::snapshot::Answers;

    /// A shipped order with three faults: its history has a gap, its mail was sent twice, and its page is not up to
    /// date.
    fn wrong() -> Snapshot {
        let order = json!({
            "reference": "D-1", "status": "SHIPPED", "version": 3,
            "progress": { "summary": "shipped: 1 of 1 item" },
            "events": { "nodes": [
                { "version": 1, "toStatus": "PLACED", "inferred": false },
                { "version": 3, "toStatus": "SHIPPED", "inferred": false },
            ] },
            "notifications": [], "shipments": [],
        });
        let refusal =
            json!({ "__typename": "InvalidTransition", "message": "no", "blockedBy": { "code": "ROLE" } });
        let mutations = vec![serde_json::from_value(refusal).unwrap()];
        Snapshot {
            answers: Answers { mutations, looks: vec![true], ..Answers::default() },
            order: serde_json::from_value(order).unwrap(),
            webhooks: vec![],
            mailbox: "Your order D-1 has been shipped, Your order D-1 has been shipped".to_owned(),
            page: "nothing shipped yet: 1 item".to_owned(),
        }
    }

    #[test]
    fn a_claim_that_does_not_hold_says_what_is_so_instead() {
        for (assertion, instead) in [
            (Assertion::Granted, "it was refused: ROLE, no"),
            (Assertion::Refused("NOT_IN_TABLE"), "it was refused as ROLE"),
            (Assertion::Allowed(&[Processing]), "allowed are []"),
            (Assertion::OneWinner, "0 of 1 changed the order"),
            (Assertion::NothingToDo, "changed is None"),
            (Assertion::Hidden, "the order was shown"),
            (Assertion::Status(Delivered), "it is SHIPPED"),
            (
                Assertion::Progress("shipped: 1 of 1 item"),
                "the API says \"shipped: 1 of 1 item\", the customer's page shows it: false",
            ),
            (
                Assertion::History(&[Placed, Shipped]),
                "the history is [\"PLACED\", \"SHIPPED\"], its versions without gaps: false",
            ),
            (Assertion::Inferred(&[Shipped]), "inferred are []"),
            (Assertion::Mail("has been shipped"), "2 mails say \"Your order D-1 has been shipped\""),
            (Assertion::Superseded(Shipped), "the mail about SHIPPED is None"),
        ] {
            assert_eq!(assertion.check(&wrong()), Err(instead.to_owned()), "{assertion:?}");
        }
    }
}
