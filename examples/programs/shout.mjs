// Answers messages and requests in capitals.

import { ConsumerError, respond, run } from "../../consumers/lib/waterway.mjs";

run((event) => {
  const text = event.content.toString();
  if (text === "") throw new ConsumerError("bad_message", "there is nothing to shout");
  const shouted = `${event.params.room}: ${text.toUpperCase()}`;
  if (event.channel === "http.request") {
    return respond(shouted, { headers: { "cache-control": "no-store" } });
  }
  return shouted;
});
