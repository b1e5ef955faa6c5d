import { ApolloClient, ApolloLink, gql, InMemoryCache } from "@apollo/client";
import { GraphQLWsLink } from "@apollo/client/link/subscriptions";
import { tap } from "rxjs";

import { connect, ORDER_UPDATED } from "./graphql-ws.js";

// Apollo Client copies the variables of an operation, so a change of the object that you passed is never sent. This link
// gives the operation variables whose `after` is read each time they are sent: first, and after every break.
const resume = new ApolloLink((operation, forward) => {
  let { after } = operation.variables;
  operation.variables = Object.defineProperty({ ...operation.variables }, "after", {
    enumerable: true,
    get: () => after,
  });
  return forward(operation).pipe(
    tap(({ data }) => {
      after = data?.orderUpdated?.cursor ?? after;
    }),
  );
});

export function createApollo(url, token, options) {
  return new ApolloClient({
    cache: new InMemoryCache(),
    link: ApolloLink.from([resume, new GraphQLWsLink(connect(url, token, options))]),
  });
}

// Follows an order: `onUpdate` gets every event once and in order. Returns a function that ends it.
export function follow(client, orderId, { onUpdate, onEnd, onError, after = null }) {
  const subscription = client.subscribe({ query: gql(ORDER_UPDATED), variables: { orderId, after } }).subscribe({
    next({ data, error }) {
      if (error) return onError(error);
      onUpdate(data.orderUpdated);
    },
    complete: onEnd,
    error: onError,
  });
  return () => subscription.unsubscribe();
}
