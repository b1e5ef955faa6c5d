//! Whether a claim of the story holds: pure, over what was looked up.

use domain::OrderStatus;

use super::{
    facts::{Facts, Shipment},
    script::Claim,
};
use crate::merchant::word;

/// What to tell people about a claim that holds, if it says more than the order's status; or what is wrong.
type Verdict = Result<Option<String>, String>;

impl Claim {
    /// Compares the claim with the facts.
    pub fn check(&self, facts: &Facts) -> Verdict {
        match self {
            Self::Granted => granted(facts),
            Self::Refused(name) => refused(name, facts),
            Self::Allowed(statuses) => {
                let allowed =
                    facts.answers.mutations.last().map(|answer| answer.allowed()).unwrap_or_default();
                holds(
                    allowed == words(statuses),
                    || format!("allowed: {}", allowed.join(" or ")),
                    || format!("allowed are {allowed:?}"),
                )
            }
            Self::OneWinner => one_winner(facts),
            Self::NothingToDo => {
                let answer = facts.answers.mutations.last().and_then(|answer| answer.changed());
                holds(
                    answer == Some(false),
                    || "changed: false".to_owned(),
                    || format!("changed is {answer:?}"),
                )
            }
            Self::Answered(status) => {
                let answer = facts.answers.webhooks.last();
                holds(
                    answer == Some(status),
                    || format!("answered {status}"),
                    || format!("it was answered with {answer:?}"),
                )
            }
            Self::Hidden => holds(
                facts.answers.looks == [false],
                || "order: null".to_owned(),
                || "the order was shown".to_owned(),
            ),
            Self::Status(status) => silent(&word(status.as_str()), &facts.order.status),
            Self::Progress(summary) => {
                let said = &facts.order.progress.summary;
                let shown = facts.page.contains(summary);
                holds(
                    said == summary && shown,
                    || format!("progress: {said}"),
                    || format!("the API says {said:?}, the customer's page shows it: {shown}"),
                )
            }
            Self::History(statuses) => history(statuses, facts),
            Self::Inferred(statuses) => {
                let inferred = facts.order.events.nodes.iter().filter(|event| event.inferred);
                let inferred: Vec<_> = inferred.map(|event| event.to_status.as_str()).collect();
                holds(
                    inferred == words(statuses),
                    || format!("marked as inferred: {}", inferred.join(", ")),
                    || format!("inferred are {inferred:?}"),
                )
            }
            Self::Copies(parcel, copies) => {
                let theirs = facts.webhooks.iter().filter(|webhook| webhook.body.contains(&parcel.number));
                let kept: Vec<_> = theirs.map(|webhook| webhook.duplicates).collect();
                holds(
                    kept == [*copies],
                    || format!("kept once; {copies} copies counted and not read again"),
                    || format!("kept are webhooks with so many copies: {kept:?}"),
                )
            }
            Self::Scan(parcel, status, effect) => {
                let (status, effect) = (word(status.as_str()), word(effect.as_str()));
                let scans = scans_of(facts, &parcel.number)?;
                let scan = scans.scans.nodes.iter().find(|scan| scan.status.as_ref() == Some(&status));
                let scan = scan.ok_or_else(|| format!("no scan says {status}"))?;
                holds(
                    scan.effect == effect,
                    || format!("the scan \"{}\" is kept as {effect}", scan.description),
                    || format!("its effect is {}", scan.effect),
                )
            }
            Self::Scans(parcel, count) => {
                let scans = scans_of(facts, &parcel.number)?.scans.nodes.len();
                holds(
                    scans == *count,
                    || format!("{scans} scans on the parcel, each once"),
                    || format!("it has {scans} scans"),
                )
            }
            Self::Mail(what) => {
                let subject = format!("Your order {} {what}", facts.order.reference);
                let mails = facts.mailbox.matches(&subject).count();
                holds(
                    mails == 1,
                    || format!("mail caught: \"{subject}\""),
                    || format!("{mails} mails say \"{subject}\""),
                )
            }
            Self::Superseded(status) => {
                let status = word(status.as_str());
                let notification =
                    facts.order.notifications.iter().find(|notification| notification.status == status);
                let reason = notification.and_then(|notification| notification.reason.as_deref());
                holds(
                    reason == Some("superseded"),
                    || format!("no stale mail about {status}: superseded"),
                    || format!("the mail about {status} is {notification:?}"),
                )
            }
        }
    }
}

fn holds(holds: bool, told: impl FnOnce() -> String, wrong: impl FnOnce() -> String) -> Verdict {
    if holds { Ok(Some(told())) } else { Err(wrong()) }
}

fn silent(wanted: &str, found: &str) -> Verdict {
    if wanted == found { Ok(None) } else { Err(format!("it is {found}")) }
}

fn granted(facts: &Facts) -> Verdict {
    if let Some((name, message)) = facts.answers.mutations.iter().find_map(|answer| answer.refusal()) {
        return Err(format!("it was refused: {name}, {message}"));
    }
    match facts.answers.webhooks.iter().find(|status| !status.is_success()) {
        Some(status) => Err(format!("a webhook was answered {status}")),
        None => Ok(None),
    }
}

fn refused(name: &str, facts: &Facts) -> Verdict {
    match facts.answers.mutations.last().and_then(|answer| answer.refusal()) {
        Some((found, message)) if found == name => Ok(Some(format!("refused, {name}: {message}"))),
        Some((found, _)) => Err(format!("it was refused as {found}")),
        None => Err("it was granted".to_owned()),
    }
}

fn one_winner(facts: &Facts) -> Verdict {
    let answers = &facts.answers.mutations;
    let winners = answers.iter().filter(|answer| answer.changed() == Some(true)).count();
    let others = answers.iter().filter(|answer| answer.changed() == Some(false)).count();
    holds(
        winners == 1 && others == answers.len() - 1,
        || format!("one changed the order, {others} were told that it is so already"),
        || format!("{winners} of {} changed the order", answers.len()),
    )
}

fn history(statuses: &[OrderStatus], facts: &Facts) -> Verdict {
    let events = &facts.order.events.nodes;
    let dense = events.iter().map(|event| event.version).eq(1..=facts.order.version);
    let path: Vec<_> = events.iter().map(|event| event.to_status.as_str()).collect();
    holds(
        path == words(statuses) && dense,
        || format!("history: {} events, versions without gaps", events.len()),
        || format!("the history is {path:?}, its versions without gaps: {dense}"),
    )
}

fn scans_of<'a>(facts: &'a Facts, number: &str) -> Result<&'a Shipment, String> {
    let parcel = facts.order.shipments.iter().find(|parcel| parcel.tracking_number == number);
    parcel.ok_or_else(|| format!("the order has no parcel {number}"))
}

fn words(statuses: &[OrderStatus]) -> Vec<String> {
    statuses.iter().map(|status| word(status.as_str())).collect()
}

#[cfg(test)]
mod tests {
    use domain::OrderStatus::*;
    use serde_json::json;

    use super::*;
    use crate::demo::facts::Answers;

    /// A shipped order whose history has a gap, whose mail came twice, and whose page lags behind.
    fn wrong() -> Facts {
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
        Facts {
            answers: Answers { mutations, looks: vec![true], ..Answers::default() },
            order: serde_json::from_value(order).unwrap(),
            webhooks: vec![],
            mailbox: "Your order D-1 has been shipped, Your order D-1 has been shipped".to_owned(),
            page: "nothing shipped yet: 1 item".to_owned(),
        }
    }

    #[test]
    fn a_claim_that_does_not_hold_says_what_is_so_instead() {
        for (claim, instead) in [
            (Claim::Granted, "it was refused: ROLE, no"),
            (Claim::Refused("NOT_IN_TABLE"), "it was refused as ROLE"),
            (Claim::Allowed(&[Processing]), "allowed are []"),
            (Claim::OneWinner, "0 of 1 changed the order"),
            (Claim::NothingToDo, "changed is None"),
            (Claim::Hidden, "the order was shown"),
            (Claim::Status(Delivered), "it is SHIPPED"),
            (
                Claim::Progress("shipped: 1 of 1 item"),
                "the API says \"shipped: 1 of 1 item\", the customer's page shows it: false",
            ),
            (
                Claim::History(&[Placed, Shipped]),
                "the history is [\"PLACED\", \"SHIPPED\"], its versions without gaps: false",
            ),
            (Claim::Inferred(&[Shipped]), "inferred are []"),
            (Claim::Mail("has been shipped"), "2 mails say \"Your order D-1 has been shipped\""),
            (Claim::Superseded(Shipped), "the mail about SHIPPED is None"),
        ] {
            assert_eq!(claim.check(&wrong()), Err(instead.to_owned()), "{claim:?}");
        }
    }
}
