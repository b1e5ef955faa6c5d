//! The limits of one operation: before it is validated, after that, and while it is resolved.
//!
//! `extension` calls them, in this sequence: `prepare_request`, `check_complexity`, `execute_within_limits`, and from
//! within the execution `begin_value` and `count_resolved_value`. Rules:
//! 1. An operation that exceeds a limit while it is resolved is dropped here, with every future in it. Its answer is
//!    one error.
//! 2. A query or an update of a subscription is dropped at its deadline. A mutation is stopped at its deadline only
//!    where no change is being made (`begin_value`).
//! 3. `poll_until_done_or_stopped` polls an operation turn by turn. When the meter asks for it, it waits for the permit
//!    of a large answer. Its callers enforce the deadline.

use std::{
    future::{Future, poll_fn},
    pin::{Pin, pin},
    sync::{
        Arc, OnceLock,
        atomic::{AtomicUsize, Ordering::Relaxed},
    },
    task::Poll,
};

use app::Caller;
use async_graphql::{
    QueryPathNode, Request, Response, ServerResult, ValidationResult, Value,
    extensions::ExtensionContext,
    parser::types::{ExecutableDocument, Field, OperationType},
    registry::Registry,
};
use tokio::{
    sync::SemaphorePermit,
    time::{Instant, timeout_at},
};

use super::{
    super::documents::check_and_parse,
    Limits, MAX_COMPLEXITY, MAX_DEPTH,
    admission::{Admission, LargeResponsePermit, PermitSlot},
    document,
    errors::{
        introspection_disabled, mutation_timed_out, timed_out, too_large, too_many_large, too_many_of_caller,
    },
    introspection::ListLengths,
    meter::OperationMeter,
};

/// What all operations of one schema share. A process has one schema.
pub struct ProcessLimits {
    limits: Limits,
    admission: Admission,
    list_lengths: OnceLock<ListLengths>,
}

impl ProcessLimits {
    pub fn new(limits: Limits) -> Arc<Self> {
        Arc::new(Self { limits, admission: Admission::new(), list_lengths: OnceLock::new() })
    }

    /// The limits of a new operation.
    pub fn begin_operation(self: &Arc<Self>) -> OperationLimits {
        OperationLimits {
            process: self.clone(),
            meter: OperationMeter::new(self.limits.answer_bytes),
            introspection: AtomicUsize::new(0),
            operation: OnceLock::new(),
            deadline: OnceLock::new(),
        }
    }
}

/// When the transport answers a mutation that is still running. Without it, the deadline counts from the execution.
#[derive(Clone, Copy, Debug)]
pub(crate) struct MutationDeadline(pub Instant);

/// The limits of one operation, and their state.
pub struct OperationLimits {
    process: Arc<ProcessLimits>,
    meter: Arc<OperationMeter>,
    /// The complexity of the document's introspection.
    introspection: AtomicUsize,
    /// The kind of the operation. Empty until the document is parsed, and if the document has no operation of that
    /// name.
    operation: OnceLock<OperationType>,
    /// The deadline of a mutation. Empty for other operations.
    deadline: OnceLock<Instant>,
}

impl OperationLimits {
    /// Checks the size and the introspection of a request before it is validated, and adds its meter to its data, for
    /// `batch_cache`.
    pub fn prepare_request(&self, registry: &Registry, mut request: Request) -> ServerResult<Request> {
        let name = request.operation_name.clone();
        let document = check_and_parse(&mut request)?;
        let lengths = self.process.list_lengths.get_or_init(|| ListLengths::from_registry(registry));
        let introspection = document::measure_document(document, lengths)?;
        if introspection.entered && !self.process.limits.introspection {
            return Err(introspection_disabled());
        }
        self.introspection.store(introspection.complexity, Relaxed);
        if let Some(operation) = operation_type(document, name.as_deref()) {
            self.operation.get_or_init(|| operation);
        }
        Ok(request.data(self.meter.clone()))
    }

    /// Checks the complexity and the depth that the validation has found.
    pub fn check_complexity(&self, validated: &ValidationResult) -> ServerResult<()> {
        if validated.complexity.saturating_add(self.introspection.load(Relaxed)) > MAX_COMPLEXITY {
            return Err(too_large(format!("the query's complexity is more than {MAX_COMPLEXITY}")));
        }
        if validated.depth > MAX_DEPTH {
            return Err(too_large(format!("the query is deeper than {MAX_DEPTH} fields inside fields")));
        }
        Ok(())
    }

    /// Executes an operation, or one update of a subscription, within the limits. If a limit is exceeded, the response
    /// is one error without data.
    pub async fn execute_within_limits(
        &self,
        ctx: &ExtensionContext<'_>,
        execution: impl Future<Output = Response> + Send,
    ) -> Response {
        let timeout = self.process.limits.timeout;
        let deadline = Instant::now() + timeout;
        let slot = ctx.data_opt::<PermitSlot>();
        self.meter.reset_for_execution();
        let operation = self.operation.get();
        if operation == Some(&OperationType::Mutation) {
            // A mutation that has begun is never dropped at its deadline. `begin_value` checks the deadline instead.
            let told = ctx.data_opt::<MutationDeadline>().map_or(deadline, |told| told.0);
            self.deadline.get_or_init(|| told);
            return self.poll_until_done_or_stopped(execution, slot).await;
        }
        let admitted = async {
            // An update of a subscription is not refused, because its client would miss it.
            let is_update = operation == Some(&OperationType::Subscription);
            let caller = ctx.data_opt::<Caller>();
            let Some(_admitted) = self.process.admission.acquire_resolving_permit(caller, is_update).await
            else {
                return Response::from_errors(vec![too_many_of_caller()]);
            };
            // Many queries can be admitted at the same moment after a long wait. They must not all begin to read when
            // their callers no longer wait.
            if Instant::now() >= deadline {
                return Response::from_errors(vec![timed_out(timeout)]);
            }
            self.poll_until_done_or_stopped(execution, slot).await
        };
        match timeout_at(deadline, admitted).await {
            Ok(response) => response,
            Err(_) => Response::from_errors(vec![timed_out(timeout)]),
        }
    }

    /// Waits until a field or an element of a list may be resolved. Keep the permit until it is resolved. `None` if it
    /// needs no permit.
    ///
    /// # Errors
    /// The deadline of a mutation has passed.
    pub async fn begin_value(&self, place: &QueryPathNode<'_>) -> ServerResult<Option<SemaphorePermit<'_>>> {
        let permit = self.meter.begin_value(place).await;
        if let Some(deadline) = self.deadline.get() {
            self.check_mutation_deadline(*deadline, place.parent.is_some())?;
        }
        Ok(permit)
    }

    /// Counts the value of a field or of an element of a list.
    pub fn count_resolved_value(&self, value: &Value, field: &Field) {
        self.meter.count_resolved_value(value, field);
    }

    /// Polls an operation turn by turn until it is done, or the meter has stopped it. When the meter asks for the
    /// permit of a large answer, it waits for the permit and puts it into `slot`. Without a slot, it keeps the permit
    /// until the operation is resolved. If there is no permit, it answers [`too_many_large`]. The caller enforces the
    /// deadline.
    async fn poll_until_done_or_stopped(
        &self,
        operation: impl Future<Output = Response> + Send,
        slot: Option<&PermitSlot>,
    ) -> Response {
        let mut operation = pin!(operation);
        let mut waiting: Option<Pin<Box<dyn Future<Output = Option<LargeResponsePermit>> + Send + '_>>> =
            None;
        let mut kept = None;
        let response = poll_fn(|cx| {
            loop {
                if self.meter.needs_permit() {
                    let permit = waiting
                        .get_or_insert_with(|| Box::pin(self.process.admission.acquire_large_permit()));
                    let Poll::Ready(permit) = permit.as_mut().poll(cx) else { return Poll::Pending };
                    waiting = None;
                    match (permit, slot) {
                        (Some(permit), Some(slot)) => slot.put_permit(permit),
                        (Some(permit), None) => kept = Some(permit),
                        (None, _) => return Poll::Ready(Response::from_errors(vec![too_many_large()])),
                    }
                    self.meter.grant_permit();
                }
                self.meter.begin_turn();
                let polled = operation.as_mut().poll(cx);
                if let Some(error) = self.meter.take_stop_error() {
                    return Poll::Ready(Response::from_errors(vec![error]));
                }
                match polled {
                    Poll::Pending if self.meter.needs_permit() => {}
                    polled => return polled,
                }
            }
        })
        .await;
        drop(kept);
        response
    }

    /// Stops a mutation at its deadline, but only at places where no change is being made: before one of its fields
    /// begins, and while the selection of a field's result is resolved.
    fn check_mutation_deadline(&self, deadline: Instant, of_result: bool) -> ServerResult<()> {
        if Instant::now() < deadline {
            return Ok(());
        }
        let error = mutation_timed_out(self.process.limits.timeout);
        if of_result {
            self.meter.stop(error.clone());
        }
        Err(error)
    }
}

/// The kind of the operation that is to run. `None` if the document has no operation of that name.
fn operation_type(document: &ExecutableDocument, name: Option<&str>) -> Option<OperationType> {
    let mut operations = document.operations.iter();
    let operation = match name {
        Some(name) => operations.find(|(found, _)| found.is_some_and(|found| *found == name)),
        None => operations.next(),
    };
    operation.map(|(_, operation)| operation.node.ty)
}
