//! Pages by key: a page begins where the last one ended, also if records were added meanwhile. A statement reads one
//! record more than the page has, which shows whether there are more.
//!
//! `read::orders` and `read::events` call `fetch_page`, `read::webhooks` calls `fetch_part`, which leaves out the
//! bodies. The steps are `restrict_query_to_page`, which adds bounds, sequence and limit to a query, and
//! `Page::from_rows`, which drops the record too many. Rows of a page are newest first, also of a page from the end.

use chrono::{DateTime, Utc};
use sea_orm::{
    ColumnTrait, EntityTrait, PartialModelTrait, QueryFilter, QueryOrder, QuerySelect, Select,
    sea_query::{Expr, ExprTrait, SimpleExpr},
};

/// The position of a record in a list that is sorted newest first: by time, then by id.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Key<I> {
    pub at: DateTime<Utc>,
    /// The id of the record, for records with the same time.
    pub id: I,
}

/// Which part of a list is wanted.
#[derive(Clone, Copy, Debug)]
pub struct PageRequest<I> {
    /// The greatest number of records.
    pub limit: u64,
    /// Whether the last records of the part are wanted, not the first.
    pub from_end: bool,
    /// Only records behind this one.
    pub after: Option<Key<I>>,
    /// Only records before this one.
    pub before: Option<Key<I>>,
}

/// A part of a list, in the sequence of the list.
#[derive(Clone, Debug)]
pub struct Page<T> {
    pub rows: Vec<T>,
    /// Whether there are more records in the direction of the page.
    pub has_more: bool,
}

impl<T> Page<T> {
    /// Makes a page of at most `limit` records from up to one record more.
    fn from_rows(mut rows: Vec<T>, limit: u64, from_end: bool) -> Self {
        let limit = usize::try_from(limit).unwrap_or(usize::MAX);
        let has_more = rows.len() > limit;
        rows.truncate(limit);
        if from_end {
            rows.reverse();
        }
        Self { rows, has_more }
    }
}

/// Runs a query for one page, sorted by `at` and `id`, newest first.
pub(super) async fn fetch_page<E, C, I, M>(
    query: Select<E>,
    key: (C, C),
    page: &PageRequest<I>,
    db: &impl sea_orm::ConnectionTrait,
) -> crate::Result<Page<M>>
where
    E: EntityTrait<Model = M>,
    C: ColumnTrait,
    I: Copy + Into<SimpleExpr>,
    M: sea_orm::FromQueryResult + Send + Sync,
{
    let rows = restrict_query_to_page(query, key, page).all(db).await?;
    Ok(Page::from_rows(rows, page.limit, page.from_end))
}

/// Like [`fetch_page`], for a part of the columns.
pub(super) async fn fetch_part<E, C, I, M>(
    query: Select<E>,
    key: (C, C),
    page: &PageRequest<I>,
    db: &impl sea_orm::ConnectionTrait,
) -> crate::Result<Page<M>>
where
    E: EntityTrait,
    C: ColumnTrait,
    I: Copy + Into<SimpleExpr>,
    M: PartialModelTrait + Send + Sync,
{
    let rows = restrict_query_to_page(query, key, page).into_partial_model().all(db).await?;
    Ok(Page::from_rows(rows, page.limit, page.from_end))
}

/// Restricts a query to the page, and to one record more, which shows whether there are more.
fn restrict_query_to_page<E: EntityTrait, C: ColumnTrait, I: Copy + Into<SimpleExpr>>(
    query: Select<E>,
    (at, id): (C, C),
    page: &PageRequest<I>,
) -> Select<E> {
    let place = || Expr::tuple([at.into_expr(), id.into_expr()].map(Into::into));
    let key = |key: Key<I>| Expr::tuple([Expr::value(key.at), key.id.into()]);
    let mut query = query;
    if let Some(after) = page.after {
        query = query.filter(place().lt(key(after)));
    }
    if let Some(before) = page.before {
        query = query.filter(place().gt(key(before)));
    }
    let query = if page.from_end {
        query.order_by_asc(at).order_by_asc(id)
    } else {
        query.order_by_desc(at).order_by_desc(id)
    };
    query.limit(page.limit + 1)
}

impl<T> Page<T> {
    /// Converts every record of the page.
    pub(super) fn try_map<U>(self, map: impl Fn(T) -> crate::Result<U>) -> crate::Result<Page<U>> {
        let rows = self.rows.into_iter().map(map).collect::<crate::Result<_>>()?;
        Ok(Page { rows, has_more: self.has_more })
    }
}
