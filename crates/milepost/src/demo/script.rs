//! The words in which scenes are written: who does what, and what must be true afterwards.

use domain::{OrderStatus, ScanEffect, ShipmentStatus};
use reqwest::StatusCode;

use super::{
    carrier::{DemoParcel, Push},
    shop::{Order, Who},
};

/// A part of the story, about one order.
#[derive(Clone, Debug)]
pub struct Scene {
    /// What it shows.
    pub title: &'static str,
    /// The order it is about. Ada places it before the first step, whose line says so.
    pub order: Order,
    /// What happens, in order.
    pub steps: Vec<Step>,
}

/// Something that happens, told in a line.
#[derive(Clone, Debug)]
pub struct Step {
    /// The line for people.
    pub line: &'static str,
    /// What is done.
    pub actions: Vec<Action>,
    /// What must be true afterwards; all of it is looked up.
    pub assertions: Vec<Assertion>,
}

/// Something somebody does.
#[derive(Clone, Debug)]
pub enum Action {
    /// Somebody asks for a status.
    Ask(Who, OrderStatus),
    /// So many callers ask for the same status at once.
    Race(usize, OrderStatus),
    /// Somebody cancels the order for a reason.
    Cancel(Who, &'static str),
    /// The shop registers a parcel with so many units, or with all that wait.
    Register(DemoParcel, Option<u32>),
    /// A carrier posts a webhook.
    Post(Push),
    /// Somebody looks the order up.
    Look(Who),
}

/// Something that can be looked up and must be so.
#[derive(Clone, Debug)]
pub enum Assertion {
    /// Everything the step asked for was granted.
    Granted,
    /// It was refused, under this name.
    Refused(&'static str),
    /// The refusal names exactly these statuses as the ones to be had.
    Allowed(&'static [OrderStatus]),
    /// Of the callers who asked at once exactly one changed something.
    OneWinner,
    /// It was granted, for it is so already, and changed nothing.
    NothingToDo,
    /// The webhook was answered with this.
    Answered(StatusCode),
    /// For the caller the order does not exist.
    Hidden,
    /// The order's status.
    Status(OrderStatus),
    /// The order's progress in words, in the API and on the customer's page.
    Progress(&'static str),
    /// The order went through exactly these statuses, numbered without gaps.
    History(&'static [OrderStatus]),
    /// Exactly these steps of the history are marked as inferred.
    Inferred(&'static [OrderStatus]),
    /// Of the parcel one webhook was kept, of which so many copies came.
    Copies(DemoParcel, usize),
    /// The parcel has a scan that says this, and it did that.
    Scan(DemoParcel, ShipmentStatus, ScanEffect),
    /// The parcel has so many scans.
    Scans(DemoParcel, usize),
    /// Exactly one mail says this about the order.
    Mail(&'static str),
    /// The mail about this status was held back, because newer news went out.
    Superseded(OrderStatus),
}

/// A step that is granted.
pub fn does<const N: usize>(line: &'static str, actions: [Action; N]) -> Step {
    Step { line, actions: actions.into(), assertions: vec![Assertion::Granted] }
}

/// A step that is refused, under this name.
pub fn tries(line: &'static str, action: Action, refusal: &'static str) -> Step {
    Step { line, actions: vec![action], assertions: vec![Assertion::Refused(refusal)] }
}

/// A webhook that is not the carrier's.
pub fn forges(line: &'static str, push: Push) -> Step {
    let push = Push { forged: true, ..push };
    Step { line, actions: vec![push.into()], assertions: vec![Assertion::Answered(StatusCode::UNAUTHORIZED)] }
}

/// A carrier says how far a parcel is, now.
pub fn scan(parcel: &DemoParcel, status: ShipmentStatus) -> Push {
    Push { parcel: parcel.clone(), status, minutes_ago: 0, times: 1, forged: false }
}

impl Step {
    /// Adds what must be true.
    pub fn expect(mut self, assertion: Assertion) -> Self {
        self.assertions.push(assertion);
        self
    }

    /// Adds the status the order must have.
    pub fn status(self, status: OrderStatus) -> Self {
        self.expect(Assertion::Status(status))
    }
}

impl Push {
    /// It was scanned so many minutes ago.
    pub fn ago(self, minutes_ago: i64) -> Self {
        Self { minutes_ago, ..self }
    }

    /// The same bytes are sent so many times.
    pub fn times(self, times: u32) -> Self {
        Self { times, ..self }
    }
}

impl From<Push> for Action {
    fn from(push: Push) -> Self {
        Self::Post(push)
    }
}
