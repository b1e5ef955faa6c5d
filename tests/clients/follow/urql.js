import { Client, subscriptionExchange } from "@urql/core";
import { onEnd as whenEnded, pipe, subscribe } from "wonka";

import { connect, ORDER_UPDATED } from "./graphql-ws.js";

export function createUrql(url, token, options) {
  const socket = connect(url, token, options);
  return new Client({
    url: url.replace(/^ws/, "http"),
    exchanges: [
      subscriptionExchange({
        forwardSubscription: ({ query, variables }) => ({
          subscribe(sink) {
            // The copy that graphql-ws sends with every subscribe message: first, and after every break.
            const latest = { ...variables };
            const unsubscribe = socket.subscribe(
              { query, variables: latest },
              {
                ...sink,
                next(result) {
                  latest.after = result.data?.orderUpdated?.cursor ?? latest.after;
                  sink.next(result);
                },
              },
            );
            return { unsubscribe };
          },
        }),
      }),
    ],
  });
}

// Follows an order: `onUpdate` gets every event once and in order. Returns a function that ends it.
export function follow(client, orderId, { onUpdate, onEnd, onError, after = null }) {
  const { unsubscribe } = pipe(
    client.subscription(ORDER_UPDATED, { orderId, after }),
    whenEnded(onEnd),
    subscribe(({ data, error, hasNext }) => {
      if (error) return onError(error);
      // When a subscription ends, urql repeats its last result with `hasNext: false`.
      if (data && hasNext) onUpdate(data.orderUpdated);
    }),
  );
  return unsubscribe;
}
