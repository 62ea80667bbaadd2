// Receives the callbacks of APIXO and daglo with Express.
//
//   npm ci && npm start
//
// It listens on 127.0.0.1:3000 (PORT changes that). WEBHOOK_TOKEN, if set, has to
// stand in the callback URL as ?token=, since APIXO signs nothing. DAGLO_WEBHOOK_SECRET, if
// set, has to have signed the JWT in daglo's Authorization header.
//
// A task is worked on once, however often its callback comes, for as long as this
// process runs. Several processes, or a restart, need a table with a unique key in
// place of the Map: INSERT … ON CONFLICT DO NOTHING, and work only if a row was made.
'use strict';

const { createHash, createHmac, timingSafeEqual } = require('node:crypto');
const express = require('express');

const tasks = new Map(); // by the API's ID: undefined = at work, else the result
let done = 0;

// claim says whether id is new. Nothing is awaited in it, so of several requests
// at once only one is told so.
function claim(id) {
  if (tasks.has(id)) return false;
  tasks.set(id, undefined);
  return true;
}

// finish is where the side effect belongs: a row, a mail, a payment.
async function finish(id, result) {
  tasks.set(id, result);
  done++;
}

function log(what, facts) {
  console.log(JSON.stringify({ time: new Date().toISOString(), what, ...facts }));
}

// take answers 200 at once, and has work done unless it was begun before.
function take(req, res, id, work) {
  const first = claim(id);
  res.status(200).end();
  const caller = { task: id, from: req.ip, agent: req.get('user-agent') };
  if (!first) return log('duplicate', caller);
  log('received', { ...caller, payload: req.body });
  setImmediate(async () => { // the answer does not wait for the work
    try {
      const result = await work();
      await finish(id, result);
      log('done', { task: id, result });
    } catch (err) {
      log('error', { task: id, error: String(err) }); // the result can still be polled
    }
  });
}

const refuse = (res, status, why) => res.status(status).type('text').send(why + '\n');

// same compares in a time that tells nothing of the texts.
function same(a, b) {
  const hash = (text) => createHash('sha256').update(text).digest();
  return timingSafeEqual(hash(a), hash(b));
}

const app = express();
app.disable('x-powered-by');
app.use(express.json({ limit: '1mb' }));

app.post('/webhook/apixo', (req, res) => {
  const token = process.env.WEBHOOK_TOKEN;
  if (token && !same(String(req.query.token), token)) return refuse(res, 401, 'wrong token');
  const { taskId, state, resultJson, failCode, failMsg } = req.body?.data ?? {};
  if (typeof taskId !== 'string' || taskId === '') return refuse(res, 400, 'data.taskId is missing');
  let urls;
  if (state === 'success') {
    try {
      urls = JSON.parse(resultJson).resultUrls; // resultJson is JSON in a string
    } catch {
      return refuse(res, 400, 'data.resultJson is not JSON');
    }
  } else if (state !== 'failed') {
    return refuse(res, 400, 'data.state is not final');
  }
  take(req, res, taskId, () => (state === 'failed' ? `failed: ${failCode} ${failMsg}` : { urls }));
});

app.post('/webhook/daglo', (req, res) => {
  const secret = process.env.DAGLO_WEBHOOK_SECRET;
  if (secret && !signed(req.get('authorization') ?? '', secret)) return refuse(res, 401, 'no valid JWT');
  const { rid, status, sttResults } = req.body ?? {};
  if (typeof rid !== 'string' || rid === '') return refuse(res, 400, 'rid is missing');
  take(req, res, rid, () => ({ status, transcripts: (sttResults ?? []).map((r) => r.transcript) }));
});

// signed says whether token is a JWT (HS256) made with secret and not expired.
function signed(token, secret) {
  const [header, claims, signature, ...rest] = token.replace(/^Bearer /, '').split('.');
  if (!signature || rest.length) return false;
  const want = createHmac('sha256', secret).update(`${header}.${claims}`).digest('base64url');
  if (!same(signature, want)) return false;
  try {
    const read = (part) => JSON.parse(Buffer.from(part, 'base64url'));
    return read(header).alg === 'HS256' && !(read(claims).exp <= Date.now() / 1000);
  } catch {
    return false;
  }
}

app.get('/orders/count', (req, res) => res.type('text').send(`${done}\n`));

// Express comes here with bodies that are not JSON, or too large.
app.use((err, req, res, next) => refuse(res, err.status ?? 500, 'the body cannot be read'));

const server = app.listen(Number(process.env.PORT ?? 3000), '127.0.0.1', () => {
  console.log(`listening on http://127.0.0.1:${server.address().port}`);
});
