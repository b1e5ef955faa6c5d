//! Documents that were read before: clients send few different ones, many times.

use std::sync::{Arc, Mutex, PoisonError};

use hashlink::LruCache;

use super::Document;

/// The longest text that is kept, in bytes.
const MAX_TEXT_BYTES: usize = 16 * 1024;
/// The length of all texts that are kept, in bytes. A document takes some twenty times its text.
const MAX_BYTES: usize = 512 * 1024;

/// The documents used last, by their texts.
#[derive(Debug)]
pub struct Cache(Mutex<Kept>);

#[derive(Debug)]
struct Kept {
    documents: LruCache<String, Arc<Document>>,
    bytes: usize,
}

impl Cache {
    /// An empty cache.
    pub fn new() -> Self {
        Self(Mutex::new(Kept { documents: LruCache::new_unbounded(), bytes: 0 }))
    }

    /// The document with that text.
    pub fn get(&self, text: &str) -> Option<Arc<Document>> {
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        kept.documents.get(text).cloned()
    }

    /// Keeps a document, and drops those that were not used for the longest time.
    pub fn keep(&self, text: &str, document: &Arc<Document>) {
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
