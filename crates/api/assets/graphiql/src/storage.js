// Where GraphiQL keeps its tabs and its history: the browser's local storage, without headers.
//
// The headers hold a bearer token. GraphiQL leaves them out of the tabs when told so, but writes them into every item of
// its history and of the favorites. Here they are left out of everything that is written, and taken out of everything
// that an earlier version of this page has written.

const PREFIX = 'graphiql:';
const HEADERS = `${PREFIX}headers`;
// Whether the user wants headers to be kept: the page does not ask.
const PERSIST_HEADERS = `${PREFIX}shouldPersistHeaders`;

// A hash of a tab repeats its headers.
const isSecret = (name) => name === 'headers' || name === 'hash';

function withoutHeaders(text) {
  try {
    return JSON.stringify(JSON.parse(text), (name, value) => (isSecret(name) ? null : value));
  } catch {
    return text;
  }
}

function ownKeys() {
  return Object.keys(localStorage).filter((key) => key.startsWith(PREFIX));
}

// What an earlier version has left.
export function forgetStoredHeaders() {
  localStorage.removeItem(HEADERS);
  localStorage.removeItem(PERSIST_HEADERS);
  for (const key of ownKeys()) {
    const text = localStorage.getItem(key);
    const cleaned = withoutHeaders(text);
    if (cleaned !== text && (text.includes('"headers"') || text.includes('"hash"'))) localStorage.setItem(key, cleaned);
  }
}

export const storage = {
  getItem: (key) => localStorage.getItem(key),
  setItem: (key, text) => {
    if (key !== HEADERS && key !== PERSIST_HEADERS) localStorage.setItem(key, withoutHeaders(text));
  },
  removeItem: (key) => localStorage.removeItem(key),
  get length() {
    return ownKeys().length;
  },
  clear: () => ownKeys().forEach((key) => localStorage.removeItem(key)),
};
