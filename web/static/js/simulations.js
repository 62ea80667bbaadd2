// The simulations of a delivery: verdict and reasons, the timeline, which runs
// while it is watched, the table and what the probe read.

import { html, useEffect, useReducer, useRef, useState } from '../vendor/preact-htm.js';
import * as api from './api.js';
import * as format from './format.js';

const words = { PASS: ['PASS', 'good'], FAIL: ['FAIL', 'bad'], INCONCLUSIVE: ['INCONCLUSIVE', 'warn'] };
const states = { canceled: 'stopped by its user', interrupted: 'cut off: its hookloop ended first' };

// verdict is what a simulation came to in a word, and a class for its colour.
export const verdict = (sim) => (sim.state === 'running' ? ['RUNNING', 'wait'] : words[sim.verdict] || words.INCONCLUSIVE);

// VerdictMark is the verdict of a delivery's latest simulation on its row.
export function VerdictMark({ sim }) {
  if (!sim) return null;
  const [word, tone] = verdict(sim);
  const letter = { RUNNING: '…', INCONCLUSIVE: '?' }[word] || word[0];
  const title = `Simulation ${sim.id}: ${word}`;
  return html`<span class=${`verdict-mark ${tone}`} role="img" title=${title} aria-label=${title}>${letter}</span>`;
}

// useSimulations fetches those of a delivery, again when its summary changes.
// What changes while an answer is on its way is asked for once, after it.
export function useSimulations(id, summary) {
  const [got, setGot] = useState({ id: 0, list: [] });
  const state = useRef({ id: 0 });
  useEffect(() => {
    if (state.current.id !== id) {
      state.current.abort?.abort();
      state.current = { id, abort: null, again: false };
    }
    const mine = state.current;
    const load = async () => {
      mine.abort = new AbortController();
      mine.again = false;
      try {
        const list = await api.simulations(id, mine.abort.signal);
        if (state.current === mine) setGot({ id, list });
      } catch { /* the detail says what is wrong */ }
      mine.abort = null;
      if (state.current === mine && mine.again) setTimeout(load, 100);
    };
    if (!id) return;
    if (mine.abort) mine.again = true;
    else load();
  }, [id, summary]);
  return got.id === id ? got.list : [];
}

// stepOf says which step of which simulation an attempt is; '' for one of none.
export function stepOf(a, sims) {
  if (!a.simulation) return '';
  const sim = sims.find((s) => s.id === a.simulation);
  const step = sim?.steps.find((s) => s.attempt === a.number && (s.delivery_id || sim.delivery_id) === a.delivery_id);
  return `simulation ${a.simulation}${step ? `, ${step.label}` : ''}`;
}

export function Simulations({ sims, actions }) {
  const [chosen, choose] = useState(0); // 0: the latest
  const sim = sims.find((s) => s.id === chosen) || sims[0];
  if (!sim) {
    return html`<div class="simulation-none"><p>No simulation yet. One rehearses the bad day: duplicates, retries by the provider’s clock, tampering, bursts. It ends in a verdict.</p>
      <button class="primary" onClick=${actions.simulate}>Simulate …</button></div>`;
  }
  return html`
    ${sims.length > 1 && html`<div class="simulation-list" role="group" aria-label="Simulations, the latest first">
      ${sims.map((s) => html`<button key=${s.id} aria-pressed=${s === sim} title=${format.visible(s.title)} onClick=${() => choose(s === sims[0] ? 0 : s.id)}><${VerdictMark} sim=${s} /> ${s.id} ${format.visible(s.kind)}</button>`)}
    </div>`}
    <${Simulation} key=${sim.id} sim=${sim} actions=${actions} />`;
}

const longTimeline = 15; // steps; a longer one comes after what was found

function Simulation({ sim, actions }) {
  const [word, tone] = verdict(sim);
  const running = sim.state === 'running';
  useBeat(running);
  const next = running ? sim.steps.find((s) => s.state === 'planned') : null;
  const done = sim.steps.filter((s) => s.state === 'done').length;
  const took = (new Date(sim.ended_at) - new Date(sim.started_at)) * 1e6;
  const about = running ? `${done} of ${sim.steps.length + (sim.more_steps || 0)} steps made` : states[sim.state] || `took ${format.duration(took)}`;
  const elsewhere = sim.here ? '' : 'It was begun elsewhere: stop it there.';
  return html`<article class="simulation" id="simulation" aria-label=${`Simulation ${sim.id}`}>
    <header class=${`verdict ${tone}`} role="status"><b id="verdict">${word}</b><span>${format.visible(sim.title)}</span></header>
    <p class="simulation-about"><span>Simulation ${sim.id}</span> <time datetime=${sim.started_at} title=${format.exactTime(sim.started_at)}>${format.time(sim.started_at)}</time> <span>${about}</span>
      ${running && html`<span class="simulation-keys">
        ${sim.kind === 'retries' && next && !next.due_at && html`<button id="step" disabled=${Boolean(elsewhere)} title=${elsewhere || 'It waits for this'} onClick=${() => actions.stepSimulation(sim.id)}>Next attempt</button>`}
        <button id="stop" disabled=${Boolean(elsewhere)} title=${elsewhere} onClick=${() => actions.stopSimulation(sim.id)}>Stop</button></span>`}</p>
    ${sim.reasons.length > 0 && html`<ul class="reasons">${sim.reasons.map((r, i) => html`<${Reason} key=${i} r=${r} />`)}</ul>`}
    ${sim.steps.length <= longTimeline && html`<${Timeline} sim=${sim} next=${next} />`}
    <${Table} table=${sim.table} />
    <${Probes} probes=${sim.probes} />
    ${sim.steps.length > longTimeline && html`<${Timeline} sim=${sim} next=${next} />`}
  </article>`;
}

const reasonMarks = { PASS: ['✓', 'good'], FAIL: ['✗', 'bad'], '': ['·', 'idle'] };

function Reason({ r }) {
  const [sign, tone] = reasonMarks[r.verdict] || ['?', 'warn'];
  return html`<li><span class=${`sign ${tone}`} role="img" aria-label=${r.verdict || 'note'}>${sign}</span> <span>${format.visible(r.text)}</span></li>`;
}

// useBeat draws twice a second while on, and the page is on show.
function useBeat(on) {
  const [, draw] = useReducer((n) => n + 1, 0);
  useEffect(() => {
    if (!on) return undefined;
    const timer = setInterval(() => document.hidden || draw(), 500);
    return () => clearInterval(timer);
  }, [on]);
}

function Timeline({ sim, next }) {
  if (!sim.steps.length) return null;
  return html`<h3>Timeline</h3><ol class="timeline">
    ${sim.steps.map((s, i) => html`<${Step} key=${i} sim=${sim} s=${s} first=${i === 0} next=${s === next} />`)}
  </ol>${sim.more_steps > 0 && html`<p class="hint">… and ${format.count(sim.more_steps)} that are not kept</p>`}`;
}

function mark(s, next) {
  switch (s.state) {
    case 'running': return ['▸', 'wait', 'running'];
    case 'skipped': return ['–', 'idle', 'skipped'];
    case 'planned': return next ? ['◷', 'info', 'next'] : ['○', 'idle', 'planned'];
    default: return { true: ['✓', 'good', 'as it should be'], false: ['✗', 'bad', 'not as it should be'] }[s.ok] || ['·', 'idle', 'done'];
  }
}

function Step({ sim, s, first, next }) {
  const [sign, tone, what] = mark(s, next);
  const other = s.delivery_id && s.delivery_id !== sim.delivery_id ? ` #${s.delivery_id}` : '';
  const when = s.offset_ns > 0 || (first && sim.steps.some((o) => o.offset_ns > 0)) ? offset(s.offset_ns) : '';
  return html`<li class=${`step ${s.state}${next ? ' next' : ''}`}>
    <span class=${`sign ${tone}`} role="img" aria-label=${what}>${sign}</span>
    <span class="step-label">${format.visible(s.label)}${other}</span>
    <span class="step-when">${when}${s.guess && html` <span class="badge" title="The provider does not publish this interval">guess</span>`}</span>
    <span class="step-result">
      ${s.state === 'running' && html`<span class="wait">running</span>`}
      ${next && html`<b class="info">${s.due_at && new Date(s.due_at) > Date.now() ? `next, in ${countdown(s.due_at)}` : 'next'}</b>`}
      ${s.status > 0 && html`<span class=${`status ${format.outcome({ state: 'answered', status: s.status })[1]}`}>${s.status}</span>`}
      ${s.duration_ns > 0 && html`<span>${format.duration(s.duration_ns)}</span>`}
      ${s.error && html`<span class="bad">${format.visible(s.error)}</span>`}
      ${s.note && html`<span class="hint">${format.visible(s.note)}</span>`}
    </span></li>`;
}

function Table({ table }) {
  if (!table?.columns?.length) return null;
  return html`<h3>What it saw</h3><div class="simulation-table"><table><thead><tr>${table.columns.map((c, i) => html`<th key=${i} scope="col">${format.visible(c)}</th>`)}</tr></thead>
    <tbody>${(table.rows || []).map((row, n) => html`<tr key=${n}>${row.map((cell, i) => html`<td key=${i}>${format.visible(cell)}</td>`)}</tr>`)}</tbody></table></div>`;
}

function Probes({ probes }) {
  if (!probes?.length) return null;
  return html`<h3>Probe</h3><dl class="facts probes">${probes.map((p, i) => html`<div key=${i}><dt>${format.visible(p.when)}</dt>
    <dd class=${`code${p.error ? ' bad' : ''}`}>${format.visible(p.error || p.value)}</dd></div>`)}</dl>`;
}

const two = (a, unit, b, smaller) => `+${a} ${unit}${b ? ` ${b} ${smaller}` : ''}`;

// offset is a time on the provider's clock: "at once", "+2 min", "+1 h 5 min".
export function offset(ns) {
  const s = Math.round(ns / 1e9);
  if (s <= 0) return 'at once';
  if (s < 120 && s % 60) return `+${s} s`;
  if (s < 3600) return two(Math.floor(s / 60), 'min', s % 60, 's');
  if (s < 172800) return two(Math.floor(s / 3600), 'h', Math.floor((s % 3600) / 60), 'min');
  return two(Math.floor(s / 86400), 'd', Math.floor((s % 86400) / 3600), 'h');
}

// countdown is the time until something begins: "0:42", "1:02:03".
export function countdown(iso, now = Date.now()) {
  const s = Math.max(0, Math.ceil((new Date(iso) - now) / 1000));
  const pad = (n) => String(n).padStart(2, '0');
  if (s >= 3600) return `${Math.floor(s / 3600)}:${pad(Math.floor(s / 60) % 60)}:${pad(s % 60)}`;
  return `${Math.floor(s / 60)}:${pad(s % 60)}`;
}

// choices are the entries of the menu of simulations of d; send begins one,
// write asks for one as it is written in a shell. losing says how many of the
// next answers to providers are lost, and lose sets that to none.
export function choices(d, related, { losing, send, write, lose }) {
  const of = (kind, more) => () => send({ kind, deliveries: [d.id], ...more });
  const unknown = d.provider ? '' : 'It is not known who sent it, so there is no schedule: give one with the last entry.';
  const ids = [...related, d.id];
  return [
    { key: 'd', name: 'Duplicate, in turn', run: of('duplicates', { mode: 'serial' }) },
    { key: 'c', name: 'Duplicate, both at once', run: of('duplicates', { mode: 'concurrent' }) },
    { key: 'o', name: 'Duplicate, overlapping', hint: 'again at the deadline, while the handler still works', run: of('duplicates', { mode: 'overlap' }) },
    { key: 'r', name: 'Retries, in real time', reason: unknown, run: of('retries', { speed: 1 }) },
    { key: 'f', name: 'Retries, 60× as fast', reason: unknown, run: of('retries', { speed: 60 }) },
    { key: 'F', name: 'Retries, 600× as fast', reason: unknown, run: of('retries', { speed: 600 }) },
    { key: 'p', name: 'Retries, 60×, the first 2 failing', hint: 'hookloop answers 500 for the handler', reason: unknown, run: of('retries', { speed: 60, fail_first: 2 }) },
    { key: 'n', name: 'Retries, step by step', reason: unknown, run: of('retries', { step: true }) },
    { key: 't', name: 'Tamper', hint: 'the handler must refuse each', run: of('tamper') },
    { key: 'w', name: 'Slow and cut connections', run: of('slow') },
    { key: 'b', name: 'Burst of 50', run: of('burst', { count: 50 }) },
    { key: 'B', name: 'Burst of 200', run: of('burst', { count: 200 }) },
    { key: 'x', name: 'Reorder', hint: ids.map((id) => `#${id}`).join(', '), reason: related.length ? '' : 'There is no delivery of the same provider right before it.', run: () => send({ kind: 'reorder', deliveries: ids }) },
    losing ? { key: 'l', name: 'Lose no more answers', hint: `${losing} would still be lost`, run: lose }
      : { key: 'l', name: 'Lose the next 2 answers', hint: 'the handler works, the provider gets 500 and delivers again', run: () => send({ kind: 'lost-ack', count: 2 }) },
    { key: 'C', name: 'Catch up', hint: 'deliver in order what was held', run: () => send({ kind: 'catch-up' }) },
    { key: ':', name: 'As in a shell …', hint: 'with every setting: counts, deadlines, schedules, probes', run: () => write(unknown ? 'retries --policy custom:30s,2m,10m --speed 60x' : 'duplicates -n 3 --mode overlap') },
  ];
}
