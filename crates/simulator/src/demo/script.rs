//! The types and the words in which the scenes of the demo are written: who does what, and what must be true
//! afterwards.
//!
//! Used by `demo::scenes` to write the steps; `demo::simulation` uses `scan`. All functions are pure: `does`, `tries`
//! and `forges` begin a step, `expect` adds to it, `scan` describes a webhook. `demo::story` sends and checks. `line`
//! is what is printed.

use domain::{OrderStatus, ScanEffect, ShipmentStatus};
use reqwest::StatusCode;

use super::{
    carrier::{DemoParcel, Push},
    shop::{Order, Who},
};

/// A part of the story, about one order.
#[derive(Clone, Debug)]
pub struct Scene {
    pub title: &'static str,
    /// The order of the scene. The customer Ada places it before the first step, and the line of the first step says
    /// so.
    pub order: Order,
    pub steps: Vec<Step>,
}

#[derive(Clone, Debug)]
pub struct Step {
    /// What happens, for the spectator.
    pub line: &'static str,
    /// The requests to send, one after the other.
    pub actions: Vec<Action>,
    /// What must be true afterwards. All of it is looked up on the server.
    pub assertions: Vec<Assertion>,
}

/// A request of a person, a system or a carrier.
#[derive(Clone, Debug)]
pub enum Action {
    /// Someone requests a transition to this status.
    Ask(Who, OrderStatus),
    /// This many callers request the same transition at once.
    Race(usize, OrderStatus),
    /// Someone cancels the order, for this reason.
    Cancel(Who, &'static str),
    /// Support cancels the shipment of a parcel, for this reason. Its units wait for another shipment then.
    CancelShipment(DemoParcel, &'static str),
    /// The shop registers a shipment with this many units; `None`: with all units that are in no shipment yet.
    Register(DemoParcel, Option<u32>),
    /// A carrier posts a webhook.
    Post(Push),
    Look(Who),
}

/// A fact that must be true after a step.
#[derive(Clone, Debug)]
pub enum Assertion {
    /// All requests of the step were granted.
    Granted,
    /// The request was refused, with this code.
    Refused(&'static str),
    /// The refusal lists exactly these statuses as allowed.
    Allowed(&'static [OrderStatus]),
    /// Exactly one of the simultaneous requests changed the order. The others were granted and changed nothing.
    OneWinner,
    /// The request was granted and changed nothing, because the order already had the status.
    NothingToDo,
    /// The webhook was answered with this HTTP status.
    Answered(StatusCode),
    /// The API answers the caller as if the order did not exist.
    Hidden,
    Status(OrderStatus),
    /// The API and the customer's page show this progress.
    Progress(&'static str),
    /// The order went through exactly these statuses, and its versions have no gaps.
    History(&'static [OrderStatus]),
    /// Exactly these order events are marked as inferred.
    Inferred(&'static [OrderStatus]),
    /// One webhook is stored for the parcel, with this many duplicates.
    Copies(DemoParcel, usize),
    /// The shipment has a scan with this status, and the scan had this effect.
    Scan(DemoParcel, ShipmentStatus, ScanEffect),
    /// The shipment has this many scans.
    Scans(DemoParcel, usize),
    /// Exactly one mail about the order has this in its subject.
    Mail(&'static str),
    /// No mail about the order has this in its subject. Read it with an assertion that the cause of a mail was handled.
    NoMail(&'static str),
    /// The notification about this status was suppressed, because a newer one superseded it.
    Superseded(OrderStatus),
}

/// Creates a step whose requests are all granted.
pub fn does<const N: usize>(line: &'static str, actions: [Action; N]) -> Step {
    Step { line, actions: actions.into(), assertions: vec![Assertion::Granted] }
}

/// Creates a step whose request is refused with this code.
pub fn tries(line: &'static str, action: Action, refusal_code: &'static str) -> Step {
    Step { line, actions: vec![action], assertions: vec![Assertion::Refused(refusal_code)] }
}

/// Creates a step with a forged webhook. The server answers 401.
pub fn forges(line: &'static str, push: Push) -> Step {
    let push = Push { forged: true, ..push };
    Step { line, actions: vec![push.into()], assertions: vec![Assertion::Answered(StatusCode::UNAUTHORIZED)] }
}

/// Creates a webhook that reports a scan made now.
pub fn scan(parcel: &DemoParcel, status: ShipmentStatus) -> Push {
    Push { parcel: parcel.clone(), status, minutes_ago: 0, times: 1, forged: false }
}

impl Step {
    /// Adds a fact that must be true after the step.
    pub fn expect(mut self, assertion: Assertion) -> Self {
        self.assertions.push(assertion);
        self
    }

    /// Adds the status that the order must have after the step.
    pub fn expect_status(self, status: OrderStatus) -> Self {
        self.expect(Assertion::Status(status))
    }
}

impl Push {
    /// Sets how many minutes ago the parcel was scanned.
    pub fn minutes_ago(self, minutes_ago: i64) -> Self {
        Self { minutes_ago, ..self }
    }

    /// Sets how many times the same bytes are sent.
    pub fn times(self, times: u32) -> Self {
        Self { times, ..self }
    }
}

impl From<Push> for Action {
    fn from(push: Push) -> Self {
        Self::Post(push)
    }
}
