//! A cache of valid documents. Clients send few different documents, many times each.
//!
//! `get` is `None` if the document is not kept. It makes the document the most recently used one.

use std::sync::{Arc, Mutex, PoisonError};

use hashlink::LruCache;

use super::Document;

/// The maximum length of a text that is kept, in bytes.
const MAX_TEXT_BYTES: usize = 16 * 1024;
/// The maximum length of all kept texts together, in bytes. In memory, a document takes about twenty times the length
/// of its text, and its plans take up to ninety times that length (see `plans`).
const MAX_BYTES: usize = 256 * 1024;

/// The documents that were used last, by their texts.
#[derive(Debug)]
pub struct DocumentCache(Mutex<Kept>);

#[derive(Debug)]
struct Kept {
    documents: LruCache<String, Arc<Document>>,
    bytes: usize,
}

impl DocumentCache {
    pub fn new() -> Self {
        Self(Mutex::new(Kept { documents: LruCache::new_unbounded(), bytes: 0 }))
    }

    /// The document with this text, if it is kept. It then counts as the most recently used one.
    pub fn get(&self, text: &str) -> Option<Arc<Document>> {
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        kept.documents.get(text).cloned()
    }

    /// Keeps a document, unless its text is longer than [`MAX_TEXT_BYTES`]. Then drops the least recently used
    /// documents while all texts together are longer than [`MAX_BYTES`].
    pub fn insert_if_short(&self, text: &str, document: &Arc<Document>) {
        if text.len() > MAX_TEXT_BYTES {
            return;
        }
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if kept.documents.insert(text.to_owned(), document.clone()).is_none() {
            kept.bytes += text.len();
        }
        while kept.bytes > MAX_BYTES
            && let Some((dropped, _)) = kept.documents.remove_lru()
        {
            kept.bytes -= dropped.len();
        }
    }
}
