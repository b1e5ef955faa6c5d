import { createClient } from "graphql-ws";

export const ORDER_UPDATED = `
  subscription OrderUpdated($orderId: ID!, $after: String) {
    orderUpdated(orderId: $orderId, after: $after) {
      cursor
      event { version toStatus }
      order { id status version }
    }
  }
`;

// Connects again after every break. By default graphql-ws gives up after five attempts in a row.
export function connect(url, token, options = {}) {
  return createClient({
    url,
    connectionParams: () => ({ authorization: `Bearer ${token}` }),
    retryAttempts: Infinity,
    shouldRetry: () => true,
    ...options,
  });
}

// Follows an order: `onUpdate` gets every event once and in order. Returns a function that ends it.
export function follow(client, orderId, { onUpdate, onEnd, onError, after = null }) {
  // graphql-ws sends this object with every subscribe message, so each new connection begins at the latest cursor.
  const variables = { orderId, after };
  return client.subscribe(
    { query: ORDER_UPDATED, variables },
    {
      next({ data, errors }) {
        if (!data) return onError(errors);
        variables.after = data.orderUpdated.cursor;
        onUpdate(data.orderUpdated);
      },
      complete: onEnd,
      error: onError,
    },
  );
}
