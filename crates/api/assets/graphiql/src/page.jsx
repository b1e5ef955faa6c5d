// The GraphiQL page. Queries and mutations go over HTTP, subscriptions over graphql-transport-ws, both with
// the token in the headers editor. `#token=…` prefills the headers, `?query=…` the query. The token is kept in memory only:
// it is taken out of the address at once, and `storage.js` leaves headers out of what the browser stores.
import { createGraphiQLFetcher } from '@graphiql/toolkit';
import { GraphiQL } from 'graphiql';
import 'graphiql/graphiql.css';
import { getOperationAST, parse } from 'graphql';
import { createClient } from 'graphql-ws';
import { createRoot } from 'react-dom/client';
import './page.css';
import { forgetStoredHeaders, storage } from './storage.js';

const endpoint = new URL('/graphql', location.href);
const socketUrl = Object.assign(new URL(endpoint), { protocol: endpoint.protocol.replace('http', 'ws') });
const overHttp = createGraphiQLFetcher({ url: endpoint.href, enableIncrementalDelivery: false });

// The server closes with this code when the token is bad or over: trying again does not help.
const FORBIDDEN = 4403;

// One socket per token: the server learns the caller once, when the connection opens.
let socket = { authorization: undefined, client: undefined };
function clientFor(authorization) {
  if (!socket.client || socket.authorization !== authorization) {
    socket.client?.dispose();
    const connectionParams = authorization ? { authorization } : {};
    const shouldRetry = (event) => event.code !== FORBIDDEN;
    socket = { authorization, client: createClient({ url: socketUrl.href, connectionParams, shouldRetry }) };
  }
  return socket.client;
}

function authorizationIn(headers = {}) {
  const name = Object.keys(headers).find((key) => key.toLowerCase() === 'authorization');
  return name && headers[name];
}

function fetcher(params, options = {}) {
  const document = options.documentAST ?? parse(params.query);
  const operation = getOperationAST(document, params.operationName || undefined);
  return operation?.operation === 'subscription'
    ? closesAsErrors(clientFor(authorizationIn(options.headers)).iterate(params))
    : overHttp(params, options);
}

// A socket that closes for good is reported with the server's words, not as an empty event.
async function* closesAsErrors(results) {
  try {
    yield* results;
  } catch (failure) {
    throw 'code' in failure ? new Error(`The connection was closed: ${failure.code} ${failure.reason}`) : failure;
  }
}

const token = new URLSearchParams(location.hash.slice(1)).get('token');
if (token) history.replaceState(null, '', location.pathname + location.search);
forgetStoredHeaders();
const query = new URLSearchParams(location.search).get('query');
const headers = JSON.stringify({ Authorization: `Bearer ${token ?? 'paste-a-token-here'}` }, null, 2);

createRoot(document.getElementById('graphiql')).render(
  <GraphiQL
    fetcher={fetcher}
    headers={token ? headers : undefined}
    defaultHeaders={headers}
    query={query ?? undefined}
    defaultQuery={'# Orders, newest first. The token goes into the headers below.\n{\n  orders(first: 5) {\n    nodes { id status progress { summary } }\n  }\n}\n'}
    defaultEditorToolsVisibility="headers"
    shouldPersistHeaders={false}
    showPersistHeadersSettings={false}
    storage={storage}
  />,
);
