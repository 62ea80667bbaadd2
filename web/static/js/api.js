// The calls of the HTTP API. Every failure is an Error with a sentence: the
// problem's, or that hookloop can't be reached.

export class Problem extends Error {
  constructor(detail, status, field) {
    super(detail);
    this.status = status; // 0: not reached at all
    this.field = field;
  }
}

async function call(path, options = {}) {
  let response;
  try {
    response = await fetch(path, options);
  } catch (err) {
    if (err.name === 'AbortError') throw err;
    throw new Problem('hookloop can’t be reached; is it still running?', 0);
  }
  if (response.ok) return response;
  let problem = {};
  try {
    problem = await response.json();
  } catch { /* not one of ours */ }
  throw new Problem(problem.detail || `hookloop answered ${response.status}; its log may say why.`, response.status, problem.field);
}

const json = async (path, options) => (await call(path, options)).json();
const post = (path, value) => json(path, {
  method: 'POST', headers: { 'Content-Type': 'application/json' }, body: JSON.stringify(value),
});
const one = (id) => `/api/v1/deliveries/${id}`;

export const list = ({ q = '', before = 0, limit = 200, signal }) =>
  json(`/api/v1/deliveries?${new URLSearchParams({ q, before, limit })}`, { signal });
export const detail = (id, signal) => json(one(id), { signal });
export const status = () => json('/api/v1/status');
export const replay = (id, request) => post(`${one(id)}/replay`, request);
export const pin = (id, pinned) => post(`${one(id)}/pin`, { pinned });
export const forecast = (id, request) => post(`${one(id)}/forecast`, request);
export const signature = (id, signal) => json(`${one(id)}/signature`, { signal });
export const confirm = (id, unverified = false) => post(`${one(id)}/confirm`, { unverified });
export const remove = (id) => call(one(id), { method: 'DELETE' });
export const simulations = async (id, signal) => (await json(`/api/v1/simulations?delivery=${id}`, { signal })).simulations;
export const simulate = (spec) => post('/api/v1/simulations', spec);
export const loseAcks = (n, how = '500') => post('/api/v1/lost-acks', { n, how });
export const stopSimulation = (id) => post(`/api/v1/simulations/${id}/cancel`, {});
export const stepSimulation = (id) => post(`/api/v1/simulations/${id}/step`, {});
export const curl = async (id) => (await call(`${one(id)}/curl`)).text();

export const paths = {
  body: (id) => `${one(id)}/body`,
  response: (id, n) => `${one(id)}/attempts/${n}/body`,
  sent: (id, n) => `${one(id)}/attempts/${n}/sent`,
  export: (format, choice) => `/api/v1/export?${new URLSearchParams({ format, ...choice })}`,
};

// Bodies are kept for a while: going back and forth fetches none twice. size
// is part of the key, because the body of an attempt that runs still grows.
const kept = new Map();
const keepBytes = 64 << 20;

// bytes returns { bytes, note } of a body without its Content-Encoding.
export async function bytes(path, size) {
  const key = `${path} ${size}`;
  let entry = kept.get(key);
  kept.delete(key);
  if (!entry) {
    const response = await call(`${path}?decoded=1`);
    entry = {
      bytes: new Uint8Array(await response.arrayBuffer()),
      note: decodeURIComponent(response.headers.get('Hookloop-Note') || ''),
    };
  }
  kept.set(key, entry); // the newest is the last
  let total = 0;
  for (const e of kept.values()) total += e.bytes.length;
  for (const [k, e] of kept) {
    if (total <= keepBytes || kept.size === 1) break;
    kept.delete(k);
    total -= e.bytes.length;
  }
  return entry;
}

// forget drops what is kept: in another store the same id is another delivery.
export const forget = () => kept.clear();

// rawBytes returns a body exactly as it is stored.
export const rawBytes = async (path) => new Uint8Array(await (await call(path)).arrayBuffer());

// save downloads what is at path under the name the server gives it.
export function save(path) {
  const a = document.createElement('a');
  a.href = path;
  a.download = '';
  a.click();
}
