// Numbers and times for people, and captured text made safe to look at.

const clock = new Intl.DateTimeFormat(undefined, { hour: '2-digit', minute: '2-digit', second: '2-digit', hourCycle: 'h23' });
const day = new Intl.DateTimeFormat(undefined, { month: 'short', day: 'numeric' });
const whole = new Intl.NumberFormat('en-US');

export const count = (n) => whole.format(n);

export function size(n) {
  if (n < 1000) return `${n} B`;
  for (const unit of ['kB', 'MB', 'GB']) {
    n /= 1000;
    if (n < 999.5 || unit === 'GB') return `${n < 9.95 ? n.toFixed(1) : Math.round(n)} ${unit}`;
  }
}

export function duration(ns) {
  const ms = ns / 1e6;
  if (ms < 1) return `${ms.toFixed(2)} ms`;
  if (ms < 10) return `${ms.toFixed(1)} ms`;
  if (ms < 1000) return `${Math.round(ms)} ms`;
  if (ms < 60000) return `${(ms / 1000).toFixed(ms < 10000 ? 2 : 1)} s`;
  return `${Math.floor(ms / 60000)} min ${Math.round((ms % 60000) / 1000)} s`;
}

// time is the clock of today, and the day as well of another one.
export function time(iso) {
  const t = new Date(iso);
  const today = new Date().toDateString() === t.toDateString();
  return today ? clock.format(t) : `${day.format(t)} ${clock.format(t)}`;
}

export function exactTime(iso) {
  const t = new Date(iso);
  return `${day.format(t)} ${t.getFullYear()}, ${clock.format(t)}.${String(t.getMilliseconds()).padStart(3, '0')}`;
}

export function ago(iso) {
  const s = Math.max(0, (Date.now() - new Date(iso)) / 1000);
  if (s < 5) return 'just now';
  if (s < 60) return `${Math.floor(s)} s ago`;
  if (s < 3600) return `${Math.floor(s / 60)} min ago`;
  if (s < 86400) return `${Math.floor(s / 3600)} h ago`;
  return `${Math.floor(s / 86400)} d ago`;
}

// visible writes out what a reader could not see or would be fooled by:
// controls, bidi controls, zero-width characters. Only for display; what is
// copied or sent is the text itself.
const unseen = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u00ad\u061c\u180e\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff\ufff9-\ufffb\u{e0000}-\u{e007f}]/gu;

export const visible = (text) => text.replace(unseen, (c) => `\\u{${c.codePointAt(0).toString(16)}}`);

// sources say where a delivery came from that did not simply arrive.
export const sources = {
  trigger: 'a sample event, sent by hookloop trigger', poll: 'a result that hookloop asked a status URL for',
  mock: 'a call of a mock API', simulation: 'made by a simulation',
};

// answered tells a handshake that hookloop answered.
export const answered = (d) => d.disposition === 'held' && Boolean(d.handshake) && (d.reason || '').startsWith('hookloop answered');

const lostAck = 'lost-ack: '; // as inspect.LostAckReason

// lost says what the provider got in place of the handler's answer; '' where it got that.
export const lost = (d) => ((d?.reason || '').startsWith(lostAck) ? d.reason.slice(lostAck.length) : '');

// trigger is why an attempt of d was made. The first one of what was held while
// the handler was down nobody asked for.
export const trigger = (d, a) => (a.trigger === 'replay' && a.number === 1 && d.disposition === 'held' && (d.reason || '').startsWith('the handler is down') ? 'after hold' : a.trigger);

// Of an answer that the provider does not take no tone may say that all is well.
const verdicts = { retry: 'warn', too_late: 'warn', gives_up: 'bad', disabled: 'bad' };

// outcome says how a summary's or an attempt's way ended, in one short word
// and a class for its colour.
export function outcome(attempt, disposition, d) {
  if (!attempt && d && answered(d)) return ['answered', 'good'];
  if (!attempt) return disposition === 'refused' ? ['refused', 'bad'] : ['held', 'idle'];
  if (attempt.state === 'pending') return [attempt.protocol ? attempt.protocol : 'pending', 'wait'];
  const status = attempt.status ?? attempt.response?.status ?? 0;
  if (attempt.state === 'interrupted') return ['interrupted', 'bad'];
  if (attempt.state === 'error') return ['error', 'bad'];
  if (status === 101) return ['101', 'good'];
  const tone = ['bad', 'idle', 'good', 'info', 'warn', 'bad'][Math.floor(status / 100)] || 'bad';
  if (tone === 'good' && attempt.trigger === 'initial' && lost(d)) return [String(status), 'warn'];
  return [String(status), (tone === 'good' && verdicts[attempt.outlook?.verdict]) || tone];
}
