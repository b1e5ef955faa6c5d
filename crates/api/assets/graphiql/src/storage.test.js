// Run by scripts/vendor-graphiql before it builds, and by `npm test`.
import assert from 'node:assert/strict';
import { beforeEach, test } from 'node:test';

const TOKEN = 'eyJhbGciOiJIUzI1NiJ9.e30.c2VjcmV0';
const HEADERS = JSON.stringify({ Authorization: `Bearer ${TOKEN}` });

// What a browser's local storage is: own properties for the keys, and methods.
class LocalStorage {
  getItem(key) {
    return Object.hasOwn(this, key) ? this[key] : null;
  }
  setItem(key, text) {
    this[key] = String(text);
  }
  removeItem(key) {
    delete this[key];
  }
}

beforeEach(() => {
  globalThis.localStorage = new LocalStorage();
});

const { forgetStoredHeaders, storage } = await import('./storage.js');
const stored = () => JSON.stringify(globalThis.localStorage);

test('nothing that GraphiQL writes has a token', () => {
  const item = { query: '{ a }', variables: '{"headers":1}', headers: HEADERS, operationName: 'A' };
  storage.setItem('graphiql:queries', JSON.stringify({ queries: [item] }));
  storage.setItem('graphiql:favorites', JSON.stringify({ favorites: [{ ...item, favorite: true }] }));
  const tab = { id: '1', title: 'A', query: '{ a }', headers: HEADERS, hash: `{ a }||${HEADERS}`, variables: null };
  storage.setItem('graphiql:tabState', JSON.stringify({ activeTabIndex: 0, tabs: [tab] }));
  storage.setItem('graphiql:headers', HEADERS);
  assert.ok(!stored().includes(TOKEN), stored());
  const [kept] = JSON.parse(storage.getItem('graphiql:queries')).queries;
  assert.deepEqual(kept, { ...item, headers: null }, 'the query itself is kept');
  assert.equal(storage.length, 3);
});

test('what is no JSON is kept as it is', () => {
  storage.setItem('graphiql:query', '{ orders { totalCount } }');
  assert.equal(storage.getItem('graphiql:query'), '{ orders { totalCount } }');
});

test('what an earlier version has written is cleaned, and nothing of others is touched', () => {
  localStorage.setItem('graphiql:queries', JSON.stringify({ queries: [{ query: '{ a }', headers: HEADERS }] }));
  localStorage.setItem('graphiql:headers', HEADERS);
  localStorage.setItem('graphiql:shouldPersistHeaders', 'true');
  localStorage.setItem('graphiql:query', '{ a }');
  localStorage.setItem('other:headers', HEADERS);
  forgetStoredHeaders();
  assert.ok(!JSON.stringify({ ...localStorage, 'other:headers': '' }).includes(TOKEN), stored());
  assert.equal(localStorage.getItem('other:headers'), HEADERS);
  assert.equal(localStorage.getItem('graphiql:query'), '{ a }');
  assert.equal(localStorage.getItem('graphiql:shouldPersistHeaders'), null);
});

test('clearing removes the page\'s own keys alone', () => {
  storage.setItem('graphiql:query', '{ a }');
  localStorage.setItem('other', '1');
  storage.clear();
  assert.deepEqual(Object.keys(localStorage), ['other']);
});
