// Follows orders with one of the clients beside this file, and prints what it sees as lines of JSON.
//
//   node follow/main.js graphql-ws|apollo|urql URL TOKEN ORDER…
//
// {"connected":true}                                  a socket was opened and acknowledged
// {"order":ID,"status":"SHIPPED"}                     the present state
// {"order":ID,"version":5,"status":"SHIPPED"}         an event
// {"order":ID,"ended":true}                           nothing can follow; after the last order the process ends with 0
//
// An error of a subscription ends the process with 1. crates/milepost/tests/it/clients.rs runs it.

import WebSocket from "ws";

// A browser has it, and so has Node.js from version 22 on.
globalThis.WebSocket ??= WebSocket;

const [name, url, token, ...orders] = process.argv.slice(2);
const print = (line) => console.log(JSON.stringify(line));
const options = {
  // Soon, and not all at the same moment: the test cuts often.
  retryWait: () => new Promise((resolve) => setTimeout(resolve, 5 + Math.random() * 10)),
  on: { connected: () => print({ connected: true }) },
};

const graphqlWs = await import("./graphql-ws.js");
const clients = {
  "graphql-ws": async () => [graphqlWs.connect(url, token, options), graphqlWs.follow],
  apollo: async () => {
    const { createApollo, follow } = await import("./apollo.js");
    return [createApollo(url, token, options), follow];
  },
  urql: async () => {
    const { createUrql, follow } = await import("./urql.js");
    return [createUrql(url, token, options), follow];
  },
};
const [client, follow] = await clients[name]();

let open = orders.length;
for (const order of orders) {
  follow(client, order, {
    onUpdate: ({ event, order: { status } }) =>
      print(event ? { order, version: event.version, status: event.toStatus } : { order, status }),
    onEnd: () => {
      print({ order, ended: true });
      open -= 1;
      if (open === 0) process.exit(0);
    },
    onError: (error) => {
      console.error(order, error);
      process.exit(1);
    },
  });
}
