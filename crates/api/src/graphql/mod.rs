//! The GraphQL schema of Milepost.
//!
//! A resolver reads its arguments, calls one use case of `app`, and maps the result to types of the schema. It makes no
//! decisions. The crate's `router` builds the [`schema`] and gives [`request_data`] to the transports. The command
//! `milepost schema` prints the [`sdl`].

mod activity;
mod batch_cache;
mod bodies;
mod carrier;
mod closing;
mod connection;
mod cursor;
mod delivery_estimate;
pub mod documents;
mod enums;
pub(crate) mod error;
mod event;
pub(crate) mod extension;
mod failure;
mod input;
mod input_path;
mod item;
pub mod limits;
mod mutation;
mod node;
mod notification;
mod null_propagation;
mod order;
mod order_stream;
mod outcome;
mod query;
mod replay;
mod resend;
mod shipment;
mod shipment_number;
mod subscription;
#[cfg(test)]
mod tests;
mod time;
mod timeline;
mod transition;
mod webhook;

use std::sync::{Arc, LazyLock};

use app::{App, Caller, Clock, feed::Feed};
use async_graphql::{SDLExportOptions, SchemaBuilder, ValidationMode};

use crate::transport::RequestData;
use bodies::BodyBudget;
use documents::Documents;
use limits::Limits;
use mutation::Mutation;
use query::Query;
use subscription::Subscription;

/// The type of Milepost's schema.
pub type Schema = async_graphql::Schema<Query, Mutation, Subscription>;

/// Builds the schema for these use cases, with the [`limits`]. Its requests need the data that [`request_data`] adds.
pub fn schema(app: App, clock: Clock, feed: Feed, limits: Limits) -> Schema {
    // `documents` has validated the requests. What the library still does is to compute complexity and depth.
    let builder = builder().validation_mode(ValidationMode::Fast);
    extension::extend_schema(builder, limits).data(app).data(clock).data(feed).finish()
}

/// The [`Documents`] that prepare requests for the schema. A process reads the schema once.
pub fn documents() -> Documents {
    static DOCUMENTS: LazyLock<Documents> =
        LazyLock::new(|| Documents::new(&sdl()).expect("the schema describes itself"));
    DOCUMENTS.clone()
}

/// The schema as text in the schema definition language. This needs no database.
pub fn sdl() -> String {
    let options = SDLExportOptions::new().prefer_single_line_descriptions().use_space_ident();
    builder().finish().sdl_with_options(options)
}

/// The function that the transports call for every operation before it runs. It adds the [`Caller`] and a budget for
/// the bodies of webhooks to the data of the request.
pub fn request_data() -> RequestData {
    Arc::new(|request, context| {
        let request_id = Some(context.request_id.0.clone());
        let caller = Caller { actor: context.actor.clone(), request_id, email: context.email.clone() };
        request.data(caller).data(BodyBudget::default())
    })
}

fn builder() -> SchemaBuilder<Query, Mutation, Subscription> {
    // No field has the type `Problem`, so it must be registered. The unions of results contain its members.
    Schema::build(Query, Mutation, Subscription).register_output_type::<outcome::Problem>()
}
