//! Checks the assertions of the demo's story against a [`Snapshot`]. The check is pure: it sends no requests.

use domain::OrderStatus;

use super::{
    script::Assertion,
    snapshot::{Shipment, Snapshot},
};
use crate::api_client::enum_name;

/// The result of a check. `Ok` has the line to print below the step, or `None` if the status of the order says it all.
/// `Err` says what is so instead.
type Verdict = Result<Option<String>, String>;

impl Assertion {
    pub fn check(&self, snapshot: &Snapshot) -> Verdict {
        match self {
            Self::Granted => granted(snapshot),
            Self::Refused(name) => refused(name, snapshot),
            Self::Allowed(statuses) => {
                let allowed =
                    snapshot.answers.mutations.last().map(|answer| answer.allowed()).unwrap_or_default();
                holds(
                    allowed == status_names(statuses),
                    format!("allowed: {}", allowed.join(" or ")),
                    format!("allowed are {allowed:?}"),
                )
            }
            Self::OneWinner => one_winner(snapshot),
            Self::NothingToDo => {
                let answer = snapshot.answers.mutations.last().and_then(|answer| answer.changed());
                holds(answer == Some(false), "changed: false", format!("changed is {answer:?}"))
            }
            Self::Answered(status) => {
                let answer = snapshot.answers.webhooks.last();
                holds(
                    answer == Some(status),
                    format!("answered {status}"),
                    format!("it was answered with {answer:?}"),
                )
            }
            Self::Hidden => holds(snapshot.answers.looks == [false], "order: null", "the order was shown"),
            Self::Status(status) => silent(&enum_name(status.as_str()), &snapshot.order.status),
            Self::Progress(summary) => {
                let said = &snapshot.order.progress.summary;
                let shown = snapshot.page.contains(summary);
                holds(
                    said == summary && shown,
                    format!("progress: {said}"),
                    format!("the API says {said:?}, the customer's page shows it: {shown}"),
                )
            }
            Self::History(statuses) => history(statuses, snapshot),
            Self::Inferred(statuses) => {
                let inferred = snapshot.order.events.nodes.iter().filter(|event| event.inferred);
                let inferred: Vec<_> = inferred.map(|event| event.to_status.as_str()).collect();
                holds(
                    inferred == status_names(statuses),
                    format!("marked as inferred: {}", inferred.join(", ")),
                    format!("inferred are {inferred:?}"),
                )
            }
            Self::Copies(parcel, copies) => {
                let theirs = snapshot.webhooks.iter().filter(|webhook| webhook.body.contains(&parcel.number));
                let kept: Vec<_> = theirs.map(|webhook| webhook.duplicates).collect();
                holds(
                    kept == [*copies],
                    format!("kept once; {copies} copies counted and not read again"),
                    format!("kept are webhooks with so many copies: {kept:?}"),
                )
            }
            Self::Scan(parcel, status, effect) => {
                let (status, effect) = (enum_name(status.as_str()), enum_name(effect.as_str()));
                let scans = scans_of(snapshot, &parcel.number)?;
                let scan = scans.scans.nodes.iter().find(|scan| scan.status.as_ref() == Some(&status));
                let scan = scan.ok_or_else(|| format!("no scan says {status}"))?;
                holds(
                    scan.effect == effect,
                    format!("the scan \"{}\" is kept as {effect}", scan.description),
                    format!("its effect is {}", scan.effect),
                )
            }
            Self::Scans(parcel, count) => {
                let scans = scans_of(snapshot, &parcel.number)?.scans.nodes.len();
                holds(
                    scans == *count,
                    format!("{scans} scans on the parcel, each once"),
                    format!("it has {scans} scans"),
                )
            }
            Self::Mail(what) => {
                let subject = format!("Your order {} {what}", snapshot.order.reference);
                let mails = snapshot.mailbox.matches(&subject).count();
                holds(
                    mails == 1,
                    format!("mail caught: \"{subject}\""),
                    format!("{mails} mails say \"{subject}\""),
                )
            }
            Self::NoMail(what) => {
                let subject = format!("Your order {} {what}", snapshot.order.reference);
                holds(
                    !snapshot.mailbox.contains(&subject),
                    format!("no mail says that it {what}"),
                    format!("a mail says \"{subject}\""),
                )
            }
            Self::Superseded(status) => {
                let status = enum_name(status.as_str());
                let notification =
                    snapshot.order.notifications.iter().find(|notification| notification.status == status);
                let reason = notification.and_then(|notification| notification.reason.as_deref());
                holds(
                    reason == Some("superseded"),
                    format!("no stale mail about {status}: superseded"),
                    format!("the mail about {status} is {notification:?}"),
                )
            }
        }
    }
}

fn holds(holds: bool, told: impl Into<String>, wrong: impl Into<String>) -> Verdict {
    if holds { Ok(Some(told.into())) } else { Err(wrong.into()) }
}

fn silent(wanted: &str, found: &str) -> Verdict {
    if wanted == found { Ok(None) } else { Err(format!("it is {found}")) }
}

fn granted(snapshot: &Snapshot) -> Verdict {
    if let Some((name, message)) = snapshot.answers.mutations.iter().find_map(|answer| answer.refusal()) {
        return Err(format!("it was refused: {name}, {message}"));
    }
    match snapshot.answers.webhooks.iter().find(|status| !status.is_success()) {
        Some(status) => Err(format!("a webhook was answered {status}")),
        None => Ok(None),
    }
}

fn refused(name: &str, snapshot: &Snapshot) -> Verdict {
    match snapshot.answers.mutations.last().and_then(|answer| answer.refusal()) {
        Some((found, message)) if found == name => Ok(Some(format!("refused, {name}: {message}"))),
        Some((found, _)) => Err(format!("it was refused as {found}")),
        None => Err("it was granted".to_owned()),
    }
}

fn one_winner(snapshot: &Snapshot) -> Verdict {
    let answers = &snapshot.answers.mutations;
    let winners = answers.iter().filter(|answer| answer.changed() == Some(true)).count();
    let others = answers.iter().filter(|answer| answer.changed() == Some(false)).count();
    holds(
        winners == 1 && others == answers.len() - 1,
        format!("one changed the order, {others} were told that it is so already"),
        format!("{winners} of {} changed the order", answers.len()),
    )
}

fn history(statuses: &[OrderStatus], snapshot: &Snapshot) -> Verdict {
    let events = &snapshot.order.events.nodes;
    let dense = events.iter().map(|event| event.version).eq(1..=snapshot.order.version);
    let path: Vec<_> = events.iter().map(|event| event.to_status.as_str()).collect();
    holds(
        path == status_names(statuses) && dense,
        format!("history: {} events, versions without gaps", events.len()),
        format!("the history is {path:?}, its versions without gaps: {dense}"),
    )
}

fn scans_of<'a>(snapshot: &'a Snapshot, number: &str) -> Result<&'a Shipment, String> {
    let parcel = snapshot.order.shipments.iter().find(|parcel| parcel.tracking_number == number);
    parcel.ok_or_else(|| format!("the order has no parcel {number}"))
}

fn status_names(statuses: &[OrderStatus]) -> Vec<String> {
    statuses.iter().map(|status| enum_name(status.as_str())).collect()
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
