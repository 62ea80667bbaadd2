// What a provider would do after an attempt, and how its time went.

import { html, useEffect, useReducer } from '../vendor/preact-htm.js';
import * as format from './format.js';

const tones = { accepted: 'good', retry: 'warn', gives_up: 'bad', disabled: 'bad', too_late: 'bad', unknown: 'idle' };
const confidences = {
  A: 'A: from the provider’s own documentation or code', B: 'B: the provider’s text, quoted by others',
  C: 'C: from others only, or they disagree', '?': '?: not published, or not found',
};

// Outlook is what the provider would do after an attempt, which is named where of is set.
// Where the provider of d never saw the answer, it says what that got.
export function Outlook({ d, a, of }) {
  const o = a.outlook;
  const lost = a.trigger === 'initial' && format.lost(d);
  if (lost) return html`<p class="outlook warn lost">${format.visible(lost)}</p>`;
  if (!o) return null;
  const sure = confidences[o.confidence] || confidences['?'];
  return html`<p class=${`outlook ${tones[o.verdict] || 'idle'}`}><span>${of ? `Attempt ${a.number} → ` : ''}${format.visible(o.text)}</span>
    ${o.guess && html` <span class="badge" title="The provider does not publish its intervals; hookloop draws a likely curve">our guess</span>`}
    <span class="confidence" role="img" title=${sure} aria-label=${`How sure: ${sure}`}>${o.confidence || '?'}</span></p>`;
}

// short leaves zeros at the end of a time out: "3 s", not "3.00 s".
const short = (ms) => format.duration(ms * 1e6).replace(/\.(\d*?)0+ s$/, (_, kept) => `${kept && `.${kept}`} s`).replace(' min 0 s', ' min');

const beat = 200; // ms between two drawings of what is pending

// Deadline is the handler's time against the provider's limit. It moves while
// the attempt is pending and the page is on show.
export function Deadline({ d, a }) {
  const [, draw] = useReducer((n) => n + 1, 0);
  const limit = a.outlook?.limit_ns ? a.outlook.limit_ns / 1e6 : d.deadline_ms;
  const live = a.state === 'pending' && !a.protocol && Boolean(limit);
  useEffect(() => {
    if (!live) return undefined;
    let timer = 0;
    const run = () => {
      clearInterval(timer);
      timer = document.hidden ? 0 : setInterval(draw, beat);
    };
    run();
    document.addEventListener('visibilitychange', run);
    return () => {
      clearInterval(timer);
      document.removeEventListener('visibilitychange', run);
    };
  }, [live]);
  if (!limit || a.protocol || a.state === 'interrupted') return null;
  const took = live ? Math.max(0, Date.now() - new Date(a.started_at)) : a.duration_ns / 1e6;
  const over = took > limit;
  const whole = Math.max(took, limit);
  const words = `${live && took >= 1000 && took < 60000 ? `${(took / 1000).toFixed(1)} s` : short(took)} of ${short(limit)}`;
  return html`<div class=${`deadline${over ? ' over' : ''}${live ? ' live' : ''}`} title=${`How long ${format.visible(d.about?.title || d.provider)} waits: ${short(limit)}`}>
    <span class="deadline-bar" role="meter" aria-label="The handler’s time against the provider’s limit" aria-valuemin="0" aria-valuemax=${Math.round(whole)}
      aria-valuenow=${Math.round(took)} aria-valuetext=${`${words}${over ? ', too late' : ''}`}>
      <span class="deadline-took" style=${{ width: `${(100 * took) / whole}%` }}></span>
      ${over && html`<span class="deadline-limit" style=${{ left: `${(100 * limit) / whole}%` }}></span>`}</span>
    <span class="deadline-words">${words}${over ? ': too late' : ''}</span></div>`;
}
