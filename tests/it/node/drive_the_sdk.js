// Drives Amazon's SDK, unmodified: a call a line on standard input ({"method", "arguments"}), its answer a line on
// standard output ({"status", "headers", "data"}, or {"failed"} where there was none).
'use strict';

const fs = require('fs');
const https = require('https');
const readline = require('readline');
const { WebStoreClient } = require('@amazonpay/amazon-pay-api-sdk-nodejs');

const setup = JSON.parse(process.argv[2]);

// For an `overrideServiceUrl` the SDK turns certificate checks off in the whole process. An agent that says itself
// what it trusts is not asked.
https.globalAgent.options.ca = fs.readFileSync(setup.caFile);
https.globalAgent.options.rejectUnauthorized = true;

const client = new WebStoreClient({
  publicKeyId: setup.publicKeyId,
  privateKey: fs.readFileSync(setup.privateKeyFile, 'utf8'),
  region: setup.region,
  sandbox: setup.sandbox,
  algorithm: setup.algorithm,
  overrideServiceUrl: setup.host,
});

async function answerOf(call) {
  try {
    const answer = await client[call.method](...call.arguments);
    // What is not a promise is a result by itself: a signature.
    return answer.status ? { status: answer.status, headers: answer.headers, data: answer.data } : { data: answer };
  } catch (error) {
    const answer = error.response;
    return answer
      ? { status: answer.status, headers: answer.headers, data: answer.data }
      : { failed: error.code || String(error) };
  }
}

(async () => {
  for await (const line of readline.createInterface({ input: process.stdin })) {
    process.stdout.write(JSON.stringify(await answerOf(JSON.parse(line))) + '\n');
  }
})();
