// A shop's result page: where Amazon Pay sends the buyer back to. It shows what became of the payment as soon as confirmd
// knows, and confirmd itself is never open to buyers: this server asks it, with the read token.
//
//   CONFIRMD_URL=http://127.0.0.1:9464 CONFIRMD_READ_TOKEN_FILE=read-token PORT=8080 node server.mjs
//
// Node.js 18.17 or newer, no packages.

import { createServer } from "node:http";
import { readFileSync } from "node:fs";
import { once } from "node:events";

const confirmd = process.env.CONFIRMD_URL ?? "http://127.0.0.1:9464";
const tokenFile = process.env.CONFIRMD_READ_TOKEN_FILE;
const headers = tokenFile ? { authorization: `Bearer ${readFileSync(tokenFile, "utf8").trim()}` } : {};

/** What a buyer reads, by what confirmd says. Nothing is promised before the outcome is there. */
const words = {
  "checkout.confirmed.v1": () => ["done", "Thank you! Your payment went through."],
  "checkout.payment-pending.v1": () => ["pending", "Thank you! Amazon Pay is still deciding about your payment. We will write to you."],
  "checkout.declined.v1": (outcome) => ["failed", outcome.buyerMessage],
  "checkout.attempt-declined.v1": (outcome) => ["failed", outcome.buyerMessage],
  "checkout.cancelled.v1": () => ["failed", "This checkout was not completed in time. Nothing was charged."],
  "checkout.expired.v1": () => ["failed", "This checkout was not completed in time. Nothing was charged."],
  "checkout.unresolved.v1": () => ["pending", "We are looking into your payment, and will write to you."],
};

/** One question, answered when the outcome is there or after `wait`. */
async function outcomeOf(session, wait) {
  const answer = await fetch(`${confirmd}/api/sessions/${session}/outcome?wait=${wait}`, { headers });
  switch (answer.status) {
    case 200: {
      const outcome = await answer.json();
      const [status, message] = (words[outcome.type] ?? words["checkout.unresolved.v1"])(outcome);
      return { status, message };
    }
    // Not known yet; or the event is still on its way from the shop to confirmd; or too many wait.
    case 202: case 404: case 503:
      return { status: "open", again: answer.status === 202 ? 0 : 1000 };
    default:
      throw new Error(`confirmd answers ${answer.status}`);
  }
}

const waiting = "We are confirming your payment. This takes a moment.";

const escaped = (text) => text.replace(/[&<>"]/g, (it) => `&#${it.charCodeAt(0)};`);

const page = (session, known) => `<!doctype html>
<html lang="en">
<meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<title>Your order</title>
<h1>Your order</h1>
<p role="status" id="status">${escaped(known.message ?? waiting)}</p>
${known.message ? "" : `<noscript><meta http-equiv="refresh" content="3">Without JavaScript this page looks again every three seconds.</noscript>`}
${known.message ? "" : `<script type="module">
  const show = document.getElementById("status");
  for (;;) {
    const answer = await fetch("/outcome?session=${session}").then((it) => it.json()).catch(() => ({ status: "open", again: 2000 }));
    if (answer.status !== "open") { show.textContent = answer.message; break; }
    await new Promise((resume) => setTimeout(resume, answer.again));
  }
</script>`}
</html>
`;

/** What confirmd says now, or that it does not say. */
const asked = (session, wait) => outcomeOf(session, wait).catch((error) => {
  console.error(error.message);
  return { status: "open", again: 2000 };
});

const server = createServer(async (request, response) => {
  // Whatever else somebody sends is no page of ours.
  const url = new URL(URL.canParse(request.url, "http://shop") ? request.url : "/", "http://shop");
  // Amazon Pay adds this parameter to the address that it sends the buyer back to.
  const session = url.searchParams.get("amazonCheckoutSessionId") ?? url.searchParams.get("session") ?? "";
  const send = (status, type, body) => response.writeHead(status, { "content-type": type, "cache-control": "no-store" }).end(body);
  if (!/^[A-Za-z0-9-]{1,64}$/.test(session)) {
    return send(400, "text/plain", "no checkout session\n");
  }
  if (url.pathname === "/result") {
    return send(200, "text/html; charset=utf-8", page(session, await asked(session, "0s")));
  }
  if (url.pathname === "/outcome") {
    return send(200, "application/json", JSON.stringify(await asked(session, "25s")));
  }
  return send(404, "text/plain", "not found\n");
});

server.listen(Number(process.env.PORT ?? 8080), "127.0.0.1");
await once(server, "listening");
console.log(`result page at http://127.0.0.1:${server.address().port}/result?amazonCheckoutSessionId=…`);
