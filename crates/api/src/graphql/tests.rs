//! Tests of the schema on a SQLite file, without HTTP.

mod access;
mod bounds;
mod carriers;
mod closing;
mod crawler;
mod customer;
mod dropship;
mod estimates;
mod following;
mod inbox;
mod keys;
mod life;
mod notifications;
mod pages;
mod problems;
mod return_shipments;
mod returns;
mod sdl;
mod statements;
mod strangers;
mod supplier;
mod timeline;
mod tracking_numbers;
mod world;
