// The attempts of a delivery, the newest first, each with what was sent where
// it differs, and with what came back.

import { html, useState } from '../vendor/preact-htm.js';
import * as api from './api.js';
import { Body } from './body.js';
import * as format from './format.js';
import { Deadline, Outlook } from './outlook.js';
import { stepOf } from './simulations.js';

export function Outcome({ attempt, disposition, d }) {
  const [word, tone] = format.outcome(attempt, disposition, d);
  return html`<span class=${`status ${tone}`}>${word}</span>`;
}

// Headers shows every value on a line of its own, as it was on the wire.
export function Headers({ header, first = [] }) {
  const lines = [...first];
  for (const [name, values] of Object.entries(header || {})) for (const value of values) lines.push([name, value]);
  if (!lines.length) return html`<p class="body-empty">There are none.</p>`;
  return html`<table class="headers"><tbody>
    ${lines.map(([name, value], i) => html`<tr key=${i}><th scope="row">${format.visible(name)}</th><td class="code">${format.visible(value)}</td></tr>`)}
  </tbody></table>`;
}

export function Attempts({ d, attempts, sims = [] }) {
  const newest = attempts.length ? attempts[attempts.length - 1].number : 0;
  const [toggled, setToggled] = useState({});
  if (!attempts.length) {
    if (d.waiting) return html`<p class="body-empty">There are none yet: it is delivered, in order, as soon as the handler answers again.</p>`;
    return html`<p class="body-empty">${d.disposition === 'refused' ? `There are none: hookloop refused the delivery (${format.visible(d.reason)}).` : 'There are none yet: the delivery was held. Replay it to make one.'}</p>`;
  }
  return html`<ol class="attempts" reversed>
    ${attempts.slice().reverse().map((a) => {
      const open = toggled[a.number] ?? a.number === newest;
      return html`<${Attempt} key=${a.number} d=${d} a=${a} sims=${sims} open=${open} onToggle=${() => setToggled({ ...toggled, [a.number]: !open })} />`;
    })}
  </ol>`;
}

function Attempt({ d, a, sims, open, onToggle }) {
  const r = a.response;
  return html`
    <li class="attempt">
      <button class="attempt-head" aria-expanded=${open} onClick=${onToggle}>
        <span class=${`fold${open ? ' open' : ''}`} aria-hidden="true"></span>
        <${Outcome} attempt=${a} />
        <span class="attempt-name">Attempt ${a.number}</span>
        <span class="trigger">${format.trigger(d, a)}</span>
        ${a.simulation > 0 && html`<span class="trigger">${format.visible(stepOf(a, sims))}</span>`}
        <span class="attempt-facts">
          ${a.state !== 'pending' && html`<span>${format.duration(a.duration_ns)}</span>`}
          ${r && html`<span>${format.size(r.size)}</span>`}
          <time datetime=${a.started_at} title=${format.exactTime(a.started_at)}>${format.time(a.started_at)}</time>
        </span>
      </button>
      ${open && html`<div class="attempt-body">
        <p class="sent-to"><span>Sent to</span> <span class="code">${format.visible(a.url)}</span></p>
        ${a.error && html`<p class="happened bad">${format.visible(a.error)}</p>`}
        ${a.state === 'pending' && html`<p class="happened wait">No answer yet${r ? '; what came so far is below' : ''}.</p>`}
        ${a.protocol === 'websocket' && html`<p class="hint">An upgraded connection: bytes are counted, what was said is not kept.</p>`}
        <${Outlook} d=${d} a=${a} />
        <${Deadline} d=${d} a=${a} />
        ${a.sent?.signed && html`<p class="signed-again">Signed again: ${format.visible(a.sent.signed)}</p>`}
        ${a.not_signed && html`<p class="signed-again">Not signed again, although ${format.visible(a.not_signed)}</p>`}
        <${SentDiff} d=${d} a=${a} />
        ${r && html`<h4>Response headers</h4><${Headers} header=${r.header} first=${[['Status', `${r.proto} ${r.status}`]]} />
          ${r.trailer && html`<h4>Trailer</h4><${Headers} header=${r.trailer} />`}
          <h4>Response body</h4>
          <${Body} path=${api.paths.response(d.id, a.number)} size=${r.size} stored=${r.stored} truncated=${r.truncated} label="The response body" />`}
      </div>`}
    </li>`;
}

// SentDiff shows how the request differed from the delivery.
function SentDiff({ d, a }) {
  const sent = a.sent;
  if (!sent) return null;
  const changes = [];
  if (sent.method && sent.method !== d.method) changes.push(['~', 'Method', sent.method]);
  if (sent.host && sent.host !== d.host) changes.push(['~', 'Host', sent.host]);
  if (sent.header) {
    for (const [name, values] of Object.entries(sent.header)) {
      const before = d.header[name];
      if (!before) changes.push(['+', name, values.join(', ')]);
      else if (before.join('\0') !== values.join('\0')) changes.push(['~', name, values.join(', ')]);
    }
    for (const name of Object.keys(d.header)) if (!sent.header[name]) changes.push(['−', name, d.header[name].join(', ')]);
  }
  if (!changes.length && !sent.edited) return null;
  return html`<h4>Changed on the way</h4>
    ${changes.length > 0 && html`<table class="headers diff"><tbody>${changes.map(([sign, name, value], i) => html`
      <tr key=${i} class=${{ '+': 'plus', '−': 'minus', '~': 'tilde' }[sign]}><th scope="row"><span class="sign">${sign}</span> ${format.visible(name)}</th><td class="code">${format.visible(value)}</td></tr>`)}</tbody></table>`}
    ${sent.edited && html`<h4>Body sent, edited</h4><${Body} path=${api.paths.sent(d.id, a.number)} size=${sent.size} stored=${sent.size} label="The body sent" />`}`;
}
