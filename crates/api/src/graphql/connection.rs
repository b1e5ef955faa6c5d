//! Pages of lists as Relay connections (<https://relay.dev/graphql/connections.htm>).
//!
//! A page is requested with `first` and `after`, or with `last` and `before`. With none of them it has the first 20
//! records, and with `before` alone the last 20 before it. A page has at most 100 records.
//!
//! `cut_number_range` is for lists whose records are numbered from 1: versions of an order. `neighbours` says whether
//! there are records before a page and behind it.

use std::borrow::Cow;

use app::{App, Caller};
use async_graphql::{Context, Object, OutputType, Result, SimpleObject, TypeName, connection::PageInfo};
use persistence::read::{EventFilter, Key, OrderFilter, Page, PageRequest, WebhookFilter};
use serde::de::DeserializeOwned;

use super::{
    cursor::Kind,
    error::{bad_cursor, bad_input, convert_app_result},
};

const DEFAULT_PAGE: i32 = 20;
const MAX_PAGE: i32 = 100;

/// One page of a list.
pub struct Connection<T: OutputType> {
    edges: Vec<Edge<T>>,
    has_previous: bool,
    has_next: bool,
    total: Total,
}

/// A record of a page, with its cursor.
#[derive(SimpleObject)]
#[graphql(name_type)]
pub struct Edge<T: OutputType> {
    /// The place of the record in the list. Send it as `after` or `before`.
    cursor: String,
    /// The record at this place.
    node: T,
}

/// How to get the length of the whole list. It is counted only if `totalCount` is selected.
pub(super) enum Total {
    Known(u64),
    Orders(OrderFilter),
    Events(EventFilter),
    Webhooks(WebhookFilter),
}

/// One page of a list.
#[Object(name_type)]
impl<T: OutputType> Connection<T> {
    /// The records of the page, with their cursors.
    async fn edges(&self) -> &[Edge<T>] {
        &self.edges
    }

    /// The records of the page.
    async fn nodes(&self) -> Vec<&T> {
        self.edges.iter().map(|edge| &edge.node).collect()
    }

    /// Whether there are more records, and the cursors to continue with.
    async fn page_info(&self) -> PageInfo {
        PageInfo {
            has_previous_page: self.has_previous,
            has_next_page: self.has_next,
            start_cursor: self.edges.first().map(|edge| edge.cursor.clone()),
            end_cursor: self.edges.last().map(|edge| edge.cursor.clone()),
        }
    }

    /// The number of records in the whole list. It is counted only if it is selected.
    async fn total_count(&self, ctx: &Context<'_>) -> Result<u64> {
        let (app, caller) = (ctx.data::<App>()?, ctx.data::<Caller>()?);
        let count = match &self.total {
            Total::Known(count) => return Ok(*count),
            Total::Orders(filter) => app.reads().count_orders(caller, filter.clone()).await,
            Total::Events(filter) => app.reads().events_count(caller, filter.clone()).await,
            Total::Webhooks(filter) => app.reads().webhooks_count(caller, filter).await,
        };
        convert_app_result(ctx, count)
    }
}

impl<T: OutputType> Connection<T> {
    /// Makes the page for a window. `edge` returns the cursor and the node of a row.
    pub fn new<K, R>(
        page: Page<R>,
        window: &Window<K>,
        total: Total,
        edge: impl Fn(R) -> (String, T),
    ) -> Self {
        let edges = page.rows.into_iter().map(edge).map(|(cursor, node)| Edge { cursor, node }).collect();
        let (has_previous, has_next) = window.neighbours(page.has_more);
        Self { edges, has_previous, has_next, total }
    }
}

impl<T: OutputType> TypeName for Connection<T> {
    fn type_name() -> Cow<'static, str> {
        format!("{}Connection", T::type_name()).into()
    }
}

impl<T: OutputType> TypeName for Edge<T> {
    fn type_name() -> Cow<'static, str> {
        format!("{}Edge", T::type_name()).into()
    }
}

/// The paging arguments as the client sent them.
pub(super) struct PageArgs {
    pub first: Option<i32>,
    pub after: Option<String>,
    pub last: Option<i32>,
    pub before: Option<String>,
}

/// Which part of a list a page is: `limit` records from the beginning or the end of those between `after` and `before`.
pub(super) struct Window<K> {
    pub limit: i32,
    pub from_end: bool,
    pub after: Option<K>,
    pub before: Option<K>,
}

impl PageArgs {
    /// Reads the arguments. `place` converts the content of a cursor to a place in the list; `None` if it is no place
    /// in it.
    ///
    /// # Errors
    /// `BAD_INPUT` for sizes that are not allowed, `BAD_CURSOR` for a cursor of another list.
    pub fn window<P: DeserializeOwned, K>(
        self,
        kind: Kind,
        place: impl Fn(P) -> Option<K>,
    ) -> Result<Window<K>> {
        let from_end = match (self.first, self.last) {
            (Some(_), Some(_)) => return Err(bad_input("last", "ask for first or for last, not for both")),
            (None, None) => self.before.is_some() && self.after.is_none(),
            (_, last) => last.is_some(),
        };
        let limit = self.first.or(self.last).unwrap_or(DEFAULT_PAGE);
        if !(0..=MAX_PAGE).contains(&limit) {
            let field = if from_end { "last" } else { "first" };
            return Err(bad_input(field, format!("0 to {MAX_PAGE} records make a page, not {limit}")));
        }
        let read = |cursor: Option<String>| match cursor {
            Some(cursor) => place(kind.decode(&cursor)?).map(Some).ok_or_else(bad_cursor),
            None => Ok(None),
        };
        Ok(Window { limit, from_end, after: read(self.after)?, before: read(self.before)? })
    }
}

impl<K> Window<K> {
    /// Whether there are records before a page and behind it. `has_more` says it for the direction of the page.
    pub fn neighbours(&self, has_more: bool) -> (bool, bool) {
        match self.from_end {
            true => (has_more, self.before.is_some()),
            false => (self.after.is_some(), has_more),
        }
    }
}

impl<I: Copy> Window<Key<I>> {
    /// The window as a request to the database.
    pub fn request(&self) -> PageRequest<I> {
        let limit = u64::from(self.limit.unsigned_abs());
        PageRequest { limit, from_end: self.from_end, after: self.after, before: self.before }
    }
}

impl Window<i32> {
    /// The page of a list that has the numbers from 1 to `last`: its first and last number, and whether there are more
    /// numbers in its direction. If the first number is greater than the last, the page is empty.
    ///
    /// Example: of 8 numbers, three after 3 are `(4, 6, true)`.
    pub fn cut_number_range(&self, last: i32) -> (i32, i32, bool) {
        let from = self.after.map_or(1, |after| after.saturating_add(1)).max(1);
        let to = self.before.map_or(last, |before| before.saturating_sub(1)).min(last);
        if self.from_end {
            let begin = from.max(to.saturating_sub(self.limit).saturating_add(1));
            (begin, to, begin > from)
        } else {
            let end = to.min(from.saturating_add(self.limit).saturating_sub(1));
            (from, end, end < to)
        }
    }
}

/// How many records a page can have. It is used for the complexity of a query.
pub(super) fn page_size(first: Option<i32>, last: Option<i32>) -> usize {
    first.or(last).unwrap_or(DEFAULT_PAGE).clamp(1, MAX_PAGE).unsigned_abs() as usize
}

#[cfg(test)]
mod tests {
    use super::*;

    fn window(limit: i32, from_end: bool, after: Option<i32>, before: Option<i32>) -> Window<i32> {
        Window { limit, from_end, after, before }
    }

    #[test]
    fn a_page_of_dense_numbers_is_a_range() {
        let cases = [
            (window(3, false, None, None), (1, 3, true)),
            (window(3, false, Some(3), None), (4, 6, true)),
            (window(3, false, Some(6), None), (7, 8, false)),
            (window(3, true, None, None), (6, 8, true)),
            (window(3, true, None, Some(3)), (1, 2, false)),
            (window(5, false, Some(2), Some(5)), (3, 4, false)),
        ];
        for (at, (window, expected)) in cases.iter().enumerate() {
            assert_eq!(window.cut_number_range(8), *expected, "case {at}");
        }
    }

    #[test]
    fn numbers_outside_make_an_empty_range() {
        for after in [8, 9, i32::MAX] {
            let (from, to, more) = window(3, false, Some(after), None).cut_number_range(8);
            assert!(from > to && !more, "{after}");
        }
        for before in [1, 0, i32::MIN] {
            let (from, to, more) = window(3, true, None, Some(before)).cut_number_range(8);
            assert!(from > to && !more, "{before}");
        }
        let (from, to, more) = window(0, false, None, None).cut_number_range(8);
        assert!(from > to && more);
    }
}
