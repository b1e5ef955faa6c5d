//! What can be done.

use app::{App, Caller, orders::Command};
use async_graphql::{Context, ID, Object, Result};
use domain::Refusal;

use super::{
    input::{
        CancelItemsInput, CancelOrderInput, CancelShipmentInput, CreateShipmentInput, InitiateReturnInput,
        PlaceOrderInput, ReassignItemsInput, ReceiveReturnInput, RecordScanInput, SupplierItemsInput,
        TransitionOrderInput,
    },
    outcome::{self, PlaceOrderResult, ShipmentResult, TransitionOrderResult},
    replay::{self, ReplayInput, ReplayResult},
    webhook::{self, WebhookResult},
};

/// What can be done.
pub struct Mutation;

/// What can be done. What may be expected to go wrong is a member of the result.
#[Object]
impl Mutation {
    /// Places an order. For support and systems; for customers only where `MILEPOST_CUSTOMERS_PLACE_ORDERS` is on.
    async fn place_order(&self, ctx: &Context<'_>, input: PlaceOrderInput) -> Result<PlaceOrderResult> {
        let (app, caller) = (ctx.data::<App>()?, ctx.data::<Caller>()?);
        let placed = async {
            let (new, key) = input.into_command(caller)?;
            app.place_order(caller, new, key).await
        };
        outcome::placed(ctx, placed.await)
    }

    /// Brings an order into a status. Asking for the one it has succeeds and changes nothing.
    async fn transition_order(
        &self,
        ctx: &Context<'_>,
        input: TransitionOrderInput,
    ) -> Result<TransitionOrderResult> {
        let how = if input.is_dry_run() { How::Dry } else { How::Real };
        execute(ctx, how, input.into_command(ctx.data::<Caller>()?)).await
    }

    /// Cancels an order, for a reason. Its shipments must not be moving yet.
    async fn cancel_order(
        &self,
        ctx: &Context<'_>,
        input: CancelOrderInput,
    ) -> Result<TransitionOrderResult> {
        execute(ctx, How::Real, input.into_command(ctx.data::<Caller>()?)).await
    }

    /// Calls off units that cannot be shipped: they hold the order back no longer. The last one cancels the order.
    async fn cancel_items(
        &self,
        ctx: &Context<'_>,
        input: CancelItemsInput,
    ) -> Result<TransitionOrderResult> {
        execute(ctx, How::Real, input.into_command(ctx.data::<Caller>()?)).await
    }

    /// Asks delivered units back. Asked again, it adds to them.
    async fn initiate_return(
        &self,
        ctx: &Context<'_>,
        input: InitiateReturnInput,
    ) -> Result<TransitionOrderResult> {
        execute(ctx, How::Real, input.into_command(ctx.data::<Caller>()?)).await
    }

    /// Books units that came back. The last of those asked back makes the order returned.
    async fn receive_return(
        &self,
        ctx: &Context<'_>,
        input: ReceiveReturnInput,
    ) -> Result<TransitionOrderResult> {
        execute(ctx, How::Real, input.into_command(ctx.data::<Caller>()?)).await
    }

    /// The supplier will ship these items. Accepted again, nothing changes; a shipment registered by the supplier
    /// accepts its items as well.
    async fn accept_items(
        &self,
        ctx: &Context<'_>,
        input: SupplierItemsInput,
    ) -> Result<TransitionOrderResult> {
        execute(ctx, How::Real, input.into_accept_command(ctx.data::<Caller>()?)).await
    }

    /// The supplier will not ship these items, for a reason. They wait to be reassigned. None of their units may be
    /// in a shipment.
    async fn decline_items(
        &self,
        ctx: &Context<'_>,
        input: SupplierItemsInput,
    ) -> Result<TransitionOrderResult> {
        execute(ctx, How::Real, input.into_decline_command(ctx.data::<Caller>()?)).await
    }

    /// Lets another supplier or a warehouse ship these items. What was agreed with the supplier before is forgotten.
    async fn reassign_items(
        &self,
        ctx: &Context<'_>,
        input: ReassignItemsInput,
    ) -> Result<TransitionOrderResult> {
        execute(ctx, How::Real, input.into_command(ctx.data::<Caller>()?)).await
    }

    /// Registers a shipment. The same number with the same items again is the same shipment, unchanged.
    async fn create_shipment(&self, ctx: &Context<'_>, input: CreateShipmentInput) -> Result<ShipmentResult> {
        let (app, caller) = (ctx.data::<App>()?, ctx.data::<Caller>()?);
        let changed = async {
            let (order_id, new, key) = input.read()?;
            app.create_shipment(caller.clone(), order_id, new, key).await
        };
        outcome::shipped(ctx, changed.await)
    }

    /// Calls a shipment off. Its units wait for another one.
    async fn cancel_shipment(&self, ctx: &Context<'_>, input: CancelShipmentInput) -> Result<ShipmentResult> {
        let (app, caller) = (ctx.data::<App>()?, ctx.data::<Caller>()?);
        let changed = async {
            let (id, reason, key) = input.read()?;
            app.cancel_shipment(caller.clone(), id, reason, key).await
        };
        outcome::shipped(ctx, changed.await)
    }

    /// Records by hand where a shipment is, or what is wrong with it, for what its carrier does not push. It counts as
    /// a carrier's scan does. For support and systems, and for suppliers on their own shipments.
    async fn record_scan(&self, ctx: &Context<'_>, input: RecordScanInput) -> Result<ShipmentResult> {
        let (app, caller) = (ctx.data::<App>()?, ctx.data::<Caller>()?);
        let changed = async {
            let (manual_scan, key) = input.read()?;
            app.record_scan(caller.clone(), manual_scan, key).await
        };
        outcome::shipped(ctx, changed.await)
    }

    /// Has a webhook read again, whatever became of it. One that waits for its turn already stays as it is. For support
    /// and systems.
    async fn retry_webhook(&self, ctx: &Context<'_>, id: ID) -> Result<WebhookResult> {
        webhook::retry(ctx, &id).await
    }

    /// Reads stored webhooks again under the meanings that codes have today, and says what would change; with
    /// `apply` it is changed. Those that wait for their turn are left out. At most 20,000 at once; `milepost replay` has
    /// no such bound. For support and systems.
    async fn replay_webhooks(&self, ctx: &Context<'_>, input: ReplayInput) -> Result<ReplayResult> {
        replay::replay(ctx, input).await
    }
}

enum How {
    Real,
    Dry,
}

async fn execute(
    ctx: &Context<'_>,
    how: How,
    command: Result<Command, Refusal>,
) -> Result<TransitionOrderResult> {
    let app = ctx.data::<App>()?;
    let order_id = command.as_ref().ok().map(|command| command.order_id);
    let changed = match (command, how) {
        (Ok(command), How::Real) => app.execute(command).await,
        (Ok(command), How::Dry) => app.preview_command(command).await,
        (Err(refusal), _) => Err(refusal.into()),
    };
    outcome::changed(ctx, order_id, changed).await
}
