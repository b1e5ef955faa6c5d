//! The root type `Mutation`: every change that a client can request.

use app::{
    App, Caller,
    orders::{Command, CommandOutcome},
};
use async_graphql::{Context, ID, Object, Result};
use domain::Refusal;

use super::{
    enums::ShipmentDirection,
    input::{
        AddTrackingNumberInput, CancelItemsInput, CancelOrderInput, CancelShipmentInput, CloseOrderInput,
        CreateShipmentInput, InitiateReturnInput, PlaceOrderInput, ReassignItemsInput, ReceiveReturnInput,
        RecordScanInput, ReopenOrderInput, ReplaceTrackingNumberInput, RetractScanInput,
        SetDeliveryEstimateInput, SupplierItemsInput, TransitionOrderInput, WriteOffReturnInput,
    },
    outcome::{
        self, AcceptItemsResult, CancelItemsResult, CancelOrderResult, CloseOrderResult, DeclineItemsResult,
        FromProblem, InitiateReturnResult, PlaceOrderResult, ReassignItemsResult, ReceiveReturnResult,
        ReopenOrderResult, ShipmentResult, TransitionOrderResult, WriteOffReturnResult,
    },
    replay::{self, ReplayInput, ReplayResult},
    resend::{self, ResendNotificationInput, ResendNotificationResult},
    webhook::{self, WebhookResult},
};

/// The root type of mutations.
pub struct Mutation;

/// All changes that a client can request. A refusal that a client can expect is a member of the result union and
/// implements `Problem`.
#[Object]
impl Mutation {
    /// Places an order. For support and systems. For customers only if `MILEPOST_CUSTOMERS_PLACE_ORDERS` is on.
    async fn place_order(&self, ctx: &Context<'_>, input: PlaceOrderInput) -> Result<PlaceOrderResult> {
        let (app, caller) = (ctx.data::<App>()?, ctx.data::<Caller>()?);
        let placed = async {
            let (new, key) = input.into_command(caller)?;
            app.orders().place_order(caller, new, key).await
        };
        outcome::convert_result(ctx, None, placed.await).await
    }

    /// Changes the status of an order. To request the status that the order already has succeeds and changes nothing.
    async fn transition_order(
        &self,
        ctx: &Context<'_>,
        input: TransitionOrderInput,
    ) -> Result<TransitionOrderResult> {
        let mode = if input.is_dry_run() { RunMode::Dry } else { RunMode::Real };
        run_command(ctx, mode, input.into_command(ctx.data::<Caller>()?)).await
    }

    /// Cancels an order. It is refused if a carrier already has one of its shipments. Customers can cancel only while
    /// the order is `PLACED` or `PAYMENT_CONFIRMED`.
    async fn cancel_order(&self, ctx: &Context<'_>, input: CancelOrderInput) -> Result<CancelOrderResult> {
        run_command(ctx, RunMode::Real, input.into_command(ctx.data::<Caller>()?)).await
    }

    /// Cancels units that cannot be shipped and are in no shipment. The order then no longer waits for them. If no unit
    /// is left, the order is cancelled, or closed if its status cannot become `CANCELLED` any more. For support and
    /// systems.
    async fn cancel_items(&self, ctx: &Context<'_>, input: CancelItemsInput) -> Result<CancelItemsResult> {
        run_command(ctx, RunMode::Real, input.into_command(ctx.data::<Caller>()?)).await
    }

    /// Closes an order of which nothing more is expected, in any status that is not final. The customer is not told.
    /// Whatever happens afterwards reopens it. To close it again changes nothing. For support and systems.
    async fn close_order(&self, ctx: &Context<'_>, input: CloseOrderInput) -> Result<CloseOrderResult> {
        run_command(ctx, RunMode::Real, input.into_command(ctx.data::<Caller>()?)).await
    }

    /// Reopens a closed order. An order that is not closed stays as it is. For support and systems.
    async fn reopen_order(&self, ctx: &Context<'_>, input: ReopenOrderInput) -> Result<ReopenOrderResult> {
        run_command(ctx, RunMode::Real, input.into_command(ctx.data::<Caller>()?)).await
    }

    /// Starts a return of delivered units. A further call adds units to the return. If the order is `RETURNED`, its
    /// status stays.
    async fn initiate_return(
        &self,
        ctx: &Context<'_>,
        input: InitiateReturnInput,
    ) -> Result<InitiateReturnResult> {
        run_command(ctx, RunMode::Real, input.into_command(ctx.data::<Caller>()?)).await
    }

    /// Records that units have come back, also more than were asked back, up to the delivered ones. When no unit is
    /// outstanding any more, the order becomes `RETURNED`. For support and systems.
    async fn receive_return(
        &self,
        ctx: &Context<'_>,
        input: ReceiveReturnInput,
    ) -> Result<ReceiveReturnResult> {
        run_command(ctx, RunMode::Real, input.into_command(ctx.data::<Caller>()?)).await
    }

    /// Writes off units that were asked back: they never come, or they are declined. When no unit is outstanding any
    /// more, the order becomes `RETURNED` if a unit has arrived; else it is closed. For support and systems.
    async fn write_off_return(
        &self,
        ctx: &Context<'_>,
        input: WriteOffReturnInput,
    ) -> Result<WriteOffReturnResult> {
        run_command(ctx, RunMode::Real, input.into_command(ctx.data::<Caller>()?)).await
    }

    /// Records that the supplier will ship these items. To accept an item again changes nothing. A shipment from the
    /// supplier accepts its items too. For suppliers, support and systems.
    async fn accept_items(&self, ctx: &Context<'_>, input: SupplierItemsInput) -> Result<AcceptItemsResult> {
        run_command(ctx, RunMode::Real, input.into_accept_command(ctx.data::<Caller>()?)).await
    }

    /// Records that the supplier will not ship these items, or some units of them. They must then be reassigned or
    /// cancelled. Declined units of an item that the supplier ships in part become an item of their own. It is refused
    /// for units in a shipment. For suppliers, support and systems.
    async fn decline_items(
        &self,
        ctx: &Context<'_>,
        input: SupplierItemsInput,
    ) -> Result<DeclineItemsResult> {
        run_command(ctx, RunMode::Real, input.into_decline_command(ctx.data::<Caller>()?)).await
    }

    /// Assigns these items to another supplier or to a warehouse. The answer and the deadlines of the previous supplier
    /// are deleted. For support and systems.
    async fn reassign_items(
        &self,
        ctx: &Context<'_>,
        input: ReassignItemsInput,
    ) -> Result<ReassignItemsResult> {
        run_command(ctx, RunMode::Real, input.into_command(ctx.data::<Caller>()?)).await
    }

    /// Registers a shipment, or with the direction `RETURN` a return shipment. To register the same tracking number with
    /// the same items again changes nothing and returns the first shipment.
    async fn create_shipment(&self, ctx: &Context<'_>, input: CreateShipmentInput) -> Result<ShipmentResult> {
        let (app, caller) = (ctx.data::<App>()?, ctx.data::<Caller>()?);
        let changed = async {
            let direction = input.direction();
            let (order_id, new, key) = input.into_new_shipment(app.carriers())?;
            match direction {
                ShipmentDirection::Outbound => {
                    app.orders().create_shipment(caller.clone(), order_id, new, key).await
                }
                ShipmentDirection::Return => {
                    app.orders().create_return_shipment(caller.clone(), order_id, new, key).await
                }
            }
        };
        outcome::convert_new_number_result(ctx, changed.await).await
    }

    /// Adds a tracking number to a shipment, for example of the carrier of the last mile. Scans of the number are then
    /// scans of the shipment, also those that came before. A number that the shipment has already changes nothing. For
    /// support and systems, and for suppliers on their own shipments.
    async fn add_tracking_number(
        &self,
        ctx: &Context<'_>,
        input: AddTrackingNumberInput,
    ) -> Result<ShipmentResult> {
        let (app, caller) = (ctx.data::<App>()?, ctx.data::<Caller>()?);
        let changed = async {
            let (new, key) = input.into_new_number(app.carriers())?;
            app.orders().add_tracking_number(caller.clone(), new, key).await
        };
        outcome::convert_new_number_result(ctx, changed.await).await
    }

    /// Replaces the primary tracking number of a shipment. The former number stays in `Shipment.numbers` and is void: its
    /// scans stay, new ones do not count for the shipment. What came under the new number before counts now. For support
    /// and systems, and for suppliers on their own shipments.
    async fn replace_tracking_number(
        &self,
        ctx: &Context<'_>,
        input: ReplaceTrackingNumberInput,
    ) -> Result<ShipmentResult> {
        let (app, caller) = (ctx.data::<App>()?, ctx.data::<Caller>()?);
        let changed = async {
            let (new, reason, key) = input.into_replacement(app.carriers())?;
            app.orders().replace_tracking_number(caller.clone(), new, reason, key).await
        };
        outcome::convert_new_number_result(ctx, changed.await).await
    }

    /// Cancels a shipment. Its units can go into another shipment.
    async fn cancel_shipment(&self, ctx: &Context<'_>, input: CancelShipmentInput) -> Result<ShipmentResult> {
        let (app, caller) = (ctx.data::<App>()?, ctx.data::<Caller>()?);
        let changed = async {
            let (id, reason, key) = input.into_cancellation()?;
            app.orders().cancel_shipment(caller.clone(), id, reason, key).await
        };
        outcome::convert_shipment_result(ctx, changed.await).await
    }

    /// Records a scan by hand, for news that the carrier does not send: how far a shipment is, or a problem with it. It
    /// has the same effect as a scan of the carrier. For support and systems, and for suppliers on their own shipments.
    async fn record_scan(&self, ctx: &Context<'_>, input: RecordScanInput) -> Result<ShipmentResult> {
        let (app, caller) = (ctx.data::<App>()?, ctx.data::<Caller>()?);
        let changed = async {
            let (manual_scan, key) = input.into_manual_scan()?;
            app.orders().record_scan(caller.clone(), manual_scan, key).await
        };
        outcome::convert_shipment_result(ctx, changed.await).await
    }

    /// Retracts a scan that is wrong. The scan stays in the list, marked, and counts for nothing; so do its repeats. The
    /// order does not go back: `Order.statusDisputed` shows an order that stands further than its shipments. For support
    /// and systems.
    async fn retract_scan(&self, ctx: &Context<'_>, input: RetractScanInput) -> Result<ShipmentResult> {
        let (app, caller) = (ctx.data::<App>()?, ctx.data::<Caller>()?);
        let changed = async {
            let (scan, reason, key) = input.into_retraction()?;
            app.orders().retract_scan(caller.clone(), scan, reason, key).await
        };
        outcome::convert_shipment_result(ctx, changed.await).await
    }

    /// Says when the delivery of a shipment is expected. It counts until the carrier, or somebody else, says another
    /// estimate. Refused for a shipment that is delivered or cancelled. For support and systems, and for suppliers on
    /// their own shipments.
    async fn set_delivery_estimate(
        &self,
        ctx: &Context<'_>,
        input: SetDeliveryEstimateInput,
    ) -> Result<ShipmentResult> {
        let (app, caller) = (ctx.data::<App>()?, ctx.data::<Caller>()?);
        let changed = async {
            let (shipment, expected, key) = input.into_estimate()?;
            app.orders().set_delivery_estimate(caller.clone(), shipment, expected, key).await
        };
        outcome::convert_shipment_result(ctx, changed.await).await
    }

    /// Processes a webhook again, whatever its state is. A webhook that already waits to be processed stays as it is.
    /// For support and systems.
    async fn retry_webhook(&self, ctx: &Context<'_>, id: ID) -> Result<WebhookResult> {
        webhook::retry_webhook(ctx, &id).await
    }

    /// Sends a notification again that was sent, has failed or was suppressed. The mail tells the order as it is now and
    /// has a `Message-ID` of its own. For support and systems.
    async fn resend_notification(
        &self,
        ctx: &Context<'_>,
        input: ResendNotificationInput,
    ) -> Result<ResendNotificationResult> {
        resend::resend(ctx, input).await
    }

    /// Reads stored webhooks again with the meanings that carriers' codes have today, and returns what would change.
    /// With `apply` it makes the changes; webhooks that could not be read before and can be read today are then
    /// processed again. Webhooks that wait to be processed are left out. One request reads at most 20,000 webhooks; the
    /// command `milepost replay` has no such limit. For support and systems.
    async fn replay_webhooks(&self, ctx: &Context<'_>, input: ReplayInput) -> Result<ReplayResult> {
        replay::replay(ctx, input).await
    }
}

enum RunMode {
    Real,
    Dry,
}

async fn run_command<R: From<CommandOutcome> + FromProblem>(
    ctx: &Context<'_>,
    mode: RunMode,
    command: Result<Command, Refusal>,
) -> Result<R> {
    let app = ctx.data::<App>()?;
    let order_id = command.as_ref().ok().map(|command| command.order_id);
    let changed = match (command, mode) {
        (Ok(command), RunMode::Real) => app.orders().execute(command).await,
        (Ok(command), RunMode::Dry) => app.orders().preview_command(command).await,
        (Err(refusal), _) => Err(refusal.into()),
    };
    outcome::convert_result(ctx, order_id, changed).await
}
