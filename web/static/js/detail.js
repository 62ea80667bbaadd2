// The selected delivery: what it was, and what became of it.

import { html, useEffect, useRef, useState } from '../vendor/preact-htm.js';
import * as api from './api.js';
import { Attempts, Headers, Outcome } from './attempts.js';
import { Body } from './body.js';
import * as format from './format.js';
import { Deadline, Outlook } from './outlook.js';
import { Provider } from './provider.js';
import { Simulations } from './simulations.js';

export const tabs = ['Summary', 'Headers', 'Body', 'Attempts', 'Simulations'];

// useDetail fetches a delivery, again whenever its summary changes, and not
// at all for one that is only passed by.
export function useDetail(id, summary) {
  const [got, setGot] = useState(null);
  const shown = useRef(0);
  useEffect(() => {
    if (!id) return undefined;
    const abort = new AbortController();
    const load = () => api.detail(id, abort.signal).then(
      (answer) => setGot({ id, ...answer }),
      (err) => err.name !== 'AbortError' && setGot({ id, error: err.message }),
    );
    const wait = Date.now() - shown.current < 150 ? 120 : 0;
    shown.current = Date.now();
    const timer = setTimeout(load, wait);
    return () => {
      clearTimeout(timer);
      abort.abort();
    };
  }, [id, summary]);
  return got && got.id === id ? got : null;
}

export function Detail({ got, sims, tab, setTab, actions, replayReason, busy, onBack }) {
  useEffect(() => document.getElementById(`tab-${tab}`)?.scrollIntoView({ block: 'nearest', inline: 'nearest' }), [tab, got?.id]);
  if (!got) return html`<section class="detail" id="detail" aria-label="Delivery" tabindex="-1"></section>`;
  if (got.error) return html`<section class="detail" id="detail" tabindex="-1"><p class="detail-none">${got.error}</p></section>`;
  const { delivery: d, attempts } = got;
  const last = attempts[attempts.length - 1];
  const reason = replayReason(d);
  const numbers = { Attempts: attempts.length, Simulations: sims.length };
  return html`
    <section class="detail" id="detail" aria-label=${`Delivery ${d.id}`} tabindex="-1">
      <div class="detail-head">
        <div class="detail-title">
          <button class="icon back" aria-label="Back to the list" onClick=${onBack}>←</button>
          <h2><span class="method">${format.visible(d.method)}</span> <bdi>${format.visible(d.target)}</bdi></h2>
        </div>
        <p class="detail-sub"><${Outcome} attempt=${last} disposition=${d.disposition} d=${d} /> <span>#${d.id}</span>
          <time datetime=${d.received_at} title=${d.received_at}>${format.exactTime(d.received_at)}</time>
          <span>${format.size(d.size)}</span><span>from ${format.visible(d.remote_addr || 'unknown')}</span></p>
        <div class="actions">
          <button class="primary" id="replay" disabled=${busy || Boolean(reason)} title=${reason || 'Replay (r)'} onClick=${actions.replay}>${busy ? 'Replaying …' : 'Replay'}</button>
          <button id="edit" disabled=${busy || Boolean(reason && !d.truncated)} title=${reason || 'Edit & replay (e)'} onClick=${actions.edit}>Edit & replay</button>
          <button id="simulate" disabled=${Boolean(reason)} title=${reason || 'Simulate (s)'} onClick=${actions.simulate}>Simulate …</button>
          <button onClick=${actions.copyMenu} title="Copy (y)">Copy …</button>
          <button onClick=${actions.exportMenu} title="Export (x)">Export …</button>
          <button onClick=${actions.more} aria-label="More: pin, remove" title="Pin, remove">⋯</button>
        </div>
        ${reason && html`<p class="reason">${format.visible(reason)}</p>`}
        <div class="tabs" role="tablist" aria-label="Views of the delivery">
          ${tabs.map((name) => html`<button key=${name} role="tab" id=${`tab-${name}`} aria-selected=${tab === name} aria-controls="panel"
            tabindex=${tab === name ? 0 : -1} onClick=${() => setTab(name)}>${name}${(numbers[name] > 0 || name === 'Attempts') && html` <span class="n">${numbers[name]}</span>`}</button>`)}
        </div>
      </div>
      <div class=${`panel${tab === 'Body' ? ' flush' : ''}`} role="tabpanel" id="panel" aria-labelledby=${`tab-${tab}`} tabindex="-1">
        ${tab === 'Summary' && html`<${Summary} d=${d} last=${last} first=${attempts.find((a) => a.trigger === 'initial')} setTab=${setTab} actions=${actions} />`}
        ${tab === 'Headers' && html`<${Headers} header=${d.header} first=${[['Host', d.host]]} /><${Trailer} trailer=${d.trailer} />`}
        ${tab === 'Body' && html`<${Body} path=${api.paths.body(d.id)} size=${d.size} stored=${d.stored} truncated=${d.truncated} fill />`}
        ${tab === 'Attempts' && html`<${Attempts} d=${d} attempts=${attempts} sims=${sims} />`}
        ${tab === 'Simulations' && html`<${Simulations} key=${d.id} sims=${sims} actions=${actions} />`}
      </div>
    </section>`;
}

const Trailer = ({ trailer }) => trailer && html`<h3>Trailer</h3><${Headers} header=${trailer} />`;

function Summary({ d, last, first, setTab, actions }) {
  const facts = [
    ['Source', d.source && (format.sources[d.source] || d.source)], ['URL', d.url], ['Content type', (d.header['Content-Type'] || []).join(', ')], ['User agent', (d.header['User-Agent'] || []).join(', ')],
    ['From', d.provider ? '' : d.remote_addr], ['Protocol', d.proto], ['SHA-256', d.sha256],
  ].filter(([, value]) => value);
  const params = query(d.target);
  return html`
    <div class=${`happened ${format.outcome(last, d.disposition, d)[1]}`}>${happened(d, last)}
      ${last && html` <button class="link" onClick=${() => setTab('Attempts')}>See the attempts</button>`}</div>
    ${first && html`<${Outlook} d=${d} a=${first} of=${first !== last} /><${Deadline} d=${d} a=${first} />`}
    <${Provider} d=${d} actions=${actions} />
    ${(d.provider || d.signature) && html`<h3>Request</h3>`}
    <dl class="facts">${facts.map(([name, value]) => html`<div key=${name}><dt>${name}</dt><dd class="code">${format.visible(value)}</dd></div>`)}</dl>
    ${params.length > 0 && html`<h3>Query</h3>
      <dl class="facts">${params.map(([name, value], i) => html`<div key=${i}><dt class="code">${format.visible(name)}</dt><dd class="code">${format.visible(value)}</dd></div>`)}</dl>`}
    <h3>Body</h3>
    <${Body} path=${api.paths.body(d.id)} size=${d.size} stored=${d.stored} truncated=${d.truncated} />
    ${last?.response && last.response.stored > 0 && html`<h3>Response of attempt ${last.number}</h3>
      <${Body} path=${api.paths.response(d.id, last.number)} size=${last.response.size} stored=${last.response.stored} truncated=${last.response.truncated} />`}`;
}

// happened is the story of a delivery in one sentence.
function happened(d, last) {
  if (!last) {
    if (d.waiting) return 'It is held, because the handler was down: it is delivered, in order, as soon as the handler answers again.';
    if (d.disposition === 'refused') return `hookloop refused it: ${format.visible(d.reason)}.`;
    if (format.answered(d)) return `It was answered by hookloop: ${format.visible(d.reason.replace(/^.*?: /, ''))}.`;
    if (d.reason) return `It was held: ${format.visible(d.reason)}.`;
    return 'It was held: there was no handler to forward it to. Start hookloop with a port or URL, or replay it to one.';
  }
  const held = format.trigger(d, last) === 'after hold' ? 'It was held until the handler was back, and then' : '';
  const which = held || (last.number === 1 ? 'It was' : `Attempt ${last.number} (${last.trigger}) was`);
  if (last.state === 'pending') return `${which} sent to ${format.visible(last.url)}; no answer yet.`;
  const took = format.duration(last.duration_ns);
  if (last.error) return `${which} sent to ${format.visible(last.url)} and failed after ${took}: ${format.visible(last.error)}.`;
  if (!last.response) return `${which} sent to ${format.visible(last.url)}, but hookloop ended before the answer came.`;
  return `${which} answered with ${last.response.status} in ${took} by ${format.visible(last.url)}.`;
}

// query splits the query of a target for display; what can't be decoded stays.
function query(target) {
  const at = target.indexOf('?');
  if (at < 0 || at === target.length - 1) return [];
  const decode = (s) => {
    try {
      return decodeURIComponent(s.replaceAll('+', ' '));
    } catch {
      return s;
    }
  };
  return target.slice(at + 1).split('&').map((pair) => {
    const eq = pair.indexOf('=');
    return eq < 0 ? [decode(pair), ''] : [decode(pair.slice(0, eq)), decode(pair.slice(eq + 1))];
  });
}
