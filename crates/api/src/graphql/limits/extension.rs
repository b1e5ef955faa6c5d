//! The extension that applies the limits to an operation: before its validation, after it, and around every field.
//!
//! This is the outermost extension of a schema. When an operation exceeds a limit while it is resolved, the operation
//! is dropped here, with every future in it.

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
    Request, Response, ServerError, ServerResult, ValidationResult, Value,
    extensions::{
        Extension, ExtensionContext, ExtensionFactory, NextExecute, NextPrepareRequest, NextResolve,
        NextValidation, ResolveInfo,
    },
    parser::types::{ExecutableDocument, OperationType},
};
use tokio::time::{Instant, timeout_at};

use super::{
    Limits, MAX_COMPLEXITY, MAX_DEPTH,
    admission::{Admission, LargeResponsePermit, PermitSlot},
    document,
    errors::{no_introspection, timed_out, too_large, too_many_large, too_many_of_caller},
    introspection::Weights,
    parsing::parse_within_limits,
    running::Running,
};

/// Makes a [`Bounds`] for each request of one schema.
pub struct BoundsFactory {
    limits: Limits,
    admission: Arc<Admission>,
    weights: Arc<OnceLock<Weights>>,
}

impl BoundsFactory {
    pub fn new(limits: Limits) -> Self {
        Self { limits, admission: Arc::new(Admission::new()), weights: Arc::default() }
    }
}

impl ExtensionFactory for BoundsFactory {
    fn create(&self) -> Arc<dyn Extension> {
        Arc::new(Bounds {
            limits: self.limits,
            admission: self.admission.clone(),
            weights: self.weights.clone(),
            running: Running::new(self.limits.answer_bytes),
            introspection: AtomicUsize::new(0),
            operation: OnceLock::new(),
            deadline: OnceLock::new(),
        })
    }
}

/// The limits of one request, and their state.
struct Bounds {
    limits: Limits,
    admission: Arc<Admission>,
    weights: Arc<OnceLock<Weights>>,
    running: Arc<Running>,
    /// The complexity of the document's introspection.
    introspection: AtomicUsize,
    /// The kind of the operation. Empty until the document is parsed, and if the document has no operation of that
    /// name.
    operation: OnceLock<OperationType>,
    /// The deadline of a mutation. Empty for other operations.
    deadline: OnceLock<Instant>,
}

#[async_graphql::async_trait::async_trait]
impl Extension for Bounds {
    async fn prepare_request(
        &self,
        ctx: &ExtensionContext<'_>,
        request: Request,
        next: NextPrepareRequest<'_>,
    ) -> ServerResult<Request> {
        let mut request = next.run(ctx, request).await?;
        let name = request.operation_name.clone();
        let document = parse_within_limits(&mut request)?;
        let weights = self.weights.get_or_init(|| Weights::from_registry(&ctx.schema_env.registry));
        let introspection = document::check_document(document, weights)?;
        if introspection.entered && !self.limits.introspection {
            return Err(no_introspection());
        }
        self.introspection.store(introspection.complexity, Relaxed);
        if let Some(operation) = operation_type(document, name.as_deref()) {
            self.operation.get_or_init(|| operation);
        }
        Ok(request.data(self.running.clone()))
    }

    async fn validation(
        &self,
        ctx: &ExtensionContext<'_>,
        next: NextValidation<'_>,
    ) -> Result<ValidationResult, Vec<ServerError>> {
        let result = next.run(ctx).await?;
        if result.complexity.saturating_add(self.introspection.load(Relaxed)) > MAX_COMPLEXITY {
            return Err(too_large(format!("the query's complexity is more than {MAX_COMPLEXITY}")).into());
        }
        if result.depth > MAX_DEPTH {
            return Err(
                too_large(format!("the query is deeper than {MAX_DEPTH} fields inside fields")).into()
            );
        }
        Ok(result)
    }

    async fn execute(
        &self,
        ctx: &ExtensionContext<'_>,
        operation_name: Option<&str>,
        next: NextExecute<'_>,
    ) -> Response {
        let deadline = Instant::now() + self.limits.timeout;
        let slot = ctx.data_opt::<PermitSlot>();
        self.running.restart();
        let operation = self.operation.get();
        if operation == Some(&OperationType::Mutation) {
            // A mutation that has begun is never dropped at its deadline. `resolve` checks the deadline instead.
            self.deadline.get_or_init(|| deadline);
            return self.resolve_bounded(next.run(ctx, operation_name), slot).await;
        }
        let resolved = async {
            // An update of a subscription is not refused, because its client would miss it.
            let is_update = operation == Some(&OperationType::Subscription);
            let Some(_admitted) = self.admission.acquire_resolving(ctx.data_opt::<Caller>(), is_update).await
            else {
                return Response::from_errors(vec![too_many_of_caller()]);
            };
            // Many queries can be admitted at the same moment after a long wait. They must not all begin to read when
            // their callers no longer wait.
            if Instant::now() >= deadline {
                return Response::from_errors(vec![timed_out(self.limits.timeout, false)]);
            }
            self.resolve_bounded(next.run(ctx, operation_name), slot).await
        };
        match timeout_at(deadline, resolved).await {
            Ok(response) => response,
            Err(_) => Response::from_errors(vec![timed_out(self.limits.timeout, false)]),
        }
    }

    /// The library calls this for every field and for every element of a list.
    async fn resolve(
        &self,
        ctx: &ExtensionContext<'_>,
        info: ResolveInfo<'_>,
        next: NextResolve<'_>,
    ) -> ServerResult<Option<Value>> {
        let _permit = self.running.begin(info.path_node).await;
        if let Some(deadline) = self.deadline.get() {
            self.check_mutation(*deadline, info.path_node.parent.is_some())?;
        }
        let field = info.field;
        let value = next.run(ctx, info).await?;
        if let Some(value) = &value {
            self.running.count_value(value, field);
        }
        Ok(value)
    }
}

impl Bounds {
    /// Polls an operation turn by turn until it is done or stopped.
    async fn resolve_bounded(
        &self,
        operation: impl Future<Output = Response> + Send,
        slot: Option<&PermitSlot>,
    ) -> Response {
        let mut operation = pin!(operation);
        let mut waiting: Option<Pin<Box<dyn Future<Output = Option<LargeResponsePermit>> + Send + '_>>> =
            None;
        // If there is no slot, the permit is returned when the operation is resolved.
        let mut kept = None;
        let response = poll_fn(|cx| {
            loop {
                if self.running.wants_permit() {
                    let permit = waiting.get_or_insert_with(|| Box::pin(self.admission.acquire_large()));
                    let Poll::Ready(permit) = permit.as_mut().poll(cx) else { return Poll::Pending };
                    waiting = None;
                    match (permit, slot) {
                        (Some(permit), Some(slot)) => slot.put(permit),
                        (Some(permit), None) => kept = Some(permit),
                        (None, _) => return Poll::Ready(Response::from_errors(vec![too_many_large()])),
                    }
                    self.running.grant_permit();
                }
                self.running.next_turn();
                let polled = operation.as_mut().poll(cx);
                if let Some(error) = self.running.take_stop() {
                    return Poll::Ready(Response::from_errors(vec![error]));
                }
                match polled {
                    Poll::Pending if self.running.wants_permit() => {}
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
    fn check_mutation(&self, deadline: Instant, of_result: bool) -> ServerResult<()> {
        if Instant::now() < deadline {
            return Ok(());
        }
        let error = timed_out(self.limits.timeout, true);
        if of_result {
            self.running.stop(error.clone());
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
