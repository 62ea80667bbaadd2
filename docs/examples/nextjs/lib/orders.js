// What the route handlers share: which tasks have come, and work that is done once.
//
//   npm install && npm run dev
//
// The handlers listen on 127.0.0.1:3000 (PORT changes that). WEBHOOK_TOKEN, if set,
// has to stand in the callback URL as ?token=, since APIXO signs nothing. DAGLO_WEBHOOK_SECRET,
// if set, has to have signed the JWT in daglo's Authorization header.
//
// The Map serves one process on one machine. Where requests are spread over several,
// as on most hosts of Next.js, it must be a table with a unique key in a database:
// INSERT … ON CONFLICT DO NOTHING, and work only if a row was made.
import { after } from 'next/server';
import { createHash, createHmac, timingSafeEqual } from 'node:crypto';

// Each route is a bundle of its own, so what they share has to be global.
const orders = (globalThis.orders ??= { tasks: new Map(), done: 0 });

export const count = () => orders.done;

// claim says whether id is new. Nothing is awaited in it, so of several requests
// at once only one is told so.
function claim(id) {
  if (orders.tasks.has(id)) return false;
  orders.tasks.set(id, undefined);
  return true;
}

// finish is where the side effect belongs: a row, a mail, a payment.
async function finish(id, result) {
  orders.tasks.set(id, result);
  orders.done++;
}

function log(what, facts) {
  console.log(JSON.stringify({ time: new Date().toISOString(), what, ...facts }));
}

// take answers 200 at once, and has work done afterwards unless it was begun before.
export function take(request, id, payload, work) {
  const caller = {
    task: id,
    from: request.headers.get('x-forwarded-for'),
    agent: request.headers.get('user-agent'),
  };
  if (!claim(id)) {
    log('duplicate', caller);
  } else {
    log('received', { ...caller, payload });
    after(async () => {
      try {
        const result = await work();
        await finish(id, result);
        log('done', { task: id, result });
      } catch (err) {
        log('error', { task: id, error: String(err) }); // the result can still be polled
      }
    });
  }
  return new Response(null, { status: 200 });
}

export const refuse = (status, why) => new Response(why + '\n', { status });

// read returns the body as an object, {} if it is none, or undefined if it is not JSON.
export async function read(request) {
  try {
    return (await request.json()) ?? {};
  } catch {
    return undefined;
  }
}

// same compares in a time that tells nothing of the texts.
export function same(a, b) {
  const hash = (text) => createHash('sha256').update(text).digest();
  return timingSafeEqual(hash(a), hash(b));
}

// signed says whether token is a JWT (HS256) made with secret and not expired.
export function signed(token, secret) {
  const [header, claims, signature, ...rest] = token.replace(/^Bearer /, '').split('.');
  if (!signature || rest.length) return false;
  const want = createHmac('sha256', secret).update(`${header}.${claims}`).digest('base64url');
  if (!same(signature, want)) return false;
  try {
    const parse = (part) => JSON.parse(Buffer.from(part, 'base64url').toString());
    return parse(header).alg === 'HS256' && !(parse(claims).exp <= Date.now() / 1000);
  } catch {
    return false;
  }
}
