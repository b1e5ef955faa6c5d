//! The extension of a schema. For every operation, field and element of a list it calls [`limits`](super::limits) and
//! [`null_propagation`](super::null_propagation).
//!
//! `limits` waits before a value is resolved, and counts it afterwards. `null_propagation` makes a failed value null
//! and
//! adds the errors to the response. It is one extension for both, because the library allocates a future for each
//! extension around each field. Limits come
//! first: an operation that exceeds one is dropped with its state.

use std::sync::Arc;

use async_graphql::{
    ObjectType, Request, Response, SchemaBuilder, ServerError, ServerResult, SubscriptionType,
    ValidationResult, Value,
    extensions::{
        Extension, ExtensionContext, ExtensionFactory, NextExecute, NextPrepareRequest, NextResolve,
        NextValidation, ResolveInfo,
    },
};

use super::{
    limits::{Limits, MAX_RECURSION, OperationLimits, ProcessLimits},
    null_propagation::NullPropagation,
};

/// Adds all limits and the propagation of null to a schema under construction. Suggestions in error messages are
/// switched
/// off, because they help to guess hidden names.
pub fn extend_schema<Q, M, S>(builder: SchemaBuilder<Q, M, S>, limits: Limits) -> SchemaBuilder<Q, M, S>
where
    Q: ObjectType + 'static,
    M: ObjectType + 'static,
    S: SubscriptionType + 'static,
{
    // Of the library's limits only the one on recursion is used. Those on depth, complexity and directives have errors
    // without a code.
    builder
        .limit_recursive_depth(MAX_RECURSION)
        .disable_suggestions()
        .extension(OperationExtensions { limits: Some(ProcessLimits::new(limits)) })
}

/// Makes an [`OperationExtension`] for each operation of one schema.
pub struct OperationExtensions {
    limits: Option<Arc<ProcessLimits>>,
}

#[cfg(test)]
impl OperationExtensions {
    /// Propagates null and has no limits.
    pub fn without_limits() -> Self {
        Self { limits: None }
    }
}

impl ExtensionFactory for OperationExtensions {
    fn create(&self) -> Arc<dyn Extension> {
        Arc::new(OperationExtension {
            limits: self.limits.as_ref().map(ProcessLimits::begin_operation),
            null_propagation: NullPropagation::default(),
        })
    }
}

struct OperationExtension {
    limits: Option<OperationLimits>,
    null_propagation: NullPropagation,
}

#[async_graphql::async_trait::async_trait]
impl Extension for OperationExtension {
    async fn prepare_request(
        &self,
        ctx: &ExtensionContext<'_>,
        request: Request,
        next: NextPrepareRequest<'_>,
    ) -> ServerResult<Request> {
        let request = next.run(ctx, request).await?;
        match &self.limits {
            Some(limits) => limits.prepare_request(&ctx.schema_env.registry, request),
            None => Ok(request),
        }
    }

    async fn validation(
        &self,
        ctx: &ExtensionContext<'_>,
        next: NextValidation<'_>,
    ) -> Result<ValidationResult, Vec<ServerError>> {
        let validated = next.run(ctx).await?;
        if let Some(limits) = &self.limits {
            limits.check_complexity(&validated)?;
        }
        Ok(validated)
    }

    /// The library calls this for a request, and for each update of a subscription.
    async fn execute(
        &self,
        ctx: &ExtensionContext<'_>,
        operation_name: Option<&str>,
        next: NextExecute<'_>,
    ) -> Response {
        let execution = self.null_propagation.complete_execution(next.run(ctx, operation_name));
        match &self.limits {
            Some(limits) => limits.execute_within_limits(ctx, execution).await,
            None => execution.await,
        }
    }

    /// The library calls this for every field and for every element of a list. The innermost calls return first. A
    /// resolver that failed is no error here: its value is null, and `null_propagation` keeps its error for the
    /// response.
    ///
    /// # Errors
    /// The deadline of a mutation has passed.
    async fn resolve(
        &self,
        ctx: &ExtensionContext<'_>,
        info: ResolveInfo<'_>,
        next: NextResolve<'_>,
    ) -> ServerResult<Option<Value>> {
        let (place, declared, field) = (info.path_node, info.return_type, info.field);
        let _permit = match &self.limits {
            Some(limits) => limits.begin_value(place).await?,
            None => None,
        };
        let resolved = next.run(ctx, info).await;
        let value = self.null_propagation.propagate(place, declared, resolved);
        if let (Some(limits), Some(value)) = (&self.limits, &value) {
            limits.count_resolved_value(value, field);
        }
        Ok(value)
    }
}
