// The page: the list on the left, the selected delivery on the right. On a
// narrow screen one of them at a time.

import { html, render, useEffect, useMemo, useReducer, useRef, useState } from '../vendor/preact-htm.js';
import { Actions } from './actions.js';
import { Detail, tabs, useDetail } from './detail.js';
import { Confirm, Help, Line, Menu } from './dialogs.js';
import { Edit } from './edit.js';
import { Empty } from './empty.js';
import { visible } from './format.js';
import { Header } from './header.js';
import { useKeys } from './keys.js';
import { List } from './list.js';
import { Model } from './model.js';
import { useSimulations } from './simulations.js';

function App() {
  const [, draw] = useReducer((n) => n + 1, 0);
  const [tab, setTab] = useState('Summary');
  const [dialog, setDialog] = useState(null);
  const [open, setOpen] = useState(false); // on a narrow screen: the detail is on show
  const [busy, setBusy] = useState([]); // ids whose replay has not ended
  const [toast, say] = useToast();
  const model = useMemo(() => new Model(draw), []);
  const actions = useMemo(() => new Actions(model, {
    say, show: setDialog, showAttempts: () => setTab('Attempts'),
    showSimulations: () => { setTab('Simulations'); setOpen(true); },
    busy: (id, on) => setBusy((ids) => (on ? [...ids, id] : ids.filter((other) => other !== id))),
  }), []);
  useEffect(() => {
    const q = new URLSearchParams(location.search).get('q') || '';
    model.onVerdict = (sim) => actions.ended(sim);
    model.start(q, Number(location.hash.slice(1)) || 0);
  }, []);
  useAddress(model);
  useEffect(() => { // an address of a delivery, followed in this very tab
    const go = () => Number(location.hash.slice(1)) && model.openID(Number(location.hash.slice(1)));
    addEventListener('hashchange', go);
    return () => removeEventListener('hashchange', go);
  }, []);

  const { summary } = model;
  const got = useDetail(model.selected, summary);
  const sims = useSimulations(model.selected, summary);
  const shown = useRef(null); // stays on show until the next one is there
  if (got) shown.current = got;
  if (!model.selected) shown.current = null;
  actions.got = got;

  const openAt = (index) => {
    model.select(index);
    setOpen(true);
  };
  const back = () => {
    setOpen(false);
    document.getElementById('list')?.focus({ preventScroll: true });
  };
  const step = (by) => setTab(tabs[(tabs.indexOf(tab) + by + tabs.length) % tabs.length]);
  useKeys({ model, actions, dialog, setDialog, open, setOpen, back, step });

  const none = model.loaded && !model.rows.length && !model.query && !model.queryError;
  const bind = { replay: () => actions.replay(), edit: () => actions.edit(), copyMenu: () => actions.copyMenu(), exportMenu: () => actions.exportMenu(), more: () => actions.more(), simulate: () => actions.simulate(),
    stopSimulation: (id) => actions.stopSimulation(id), stepSimulation: (id) => actions.stepSimulation(id),
    sameEvent: (id) => actions.sameEvent(id), confirm: (d, title) => actions.confirm(d, title) };
  return html`
    <div class=${`page${open ? ' opened' : ''}`}>
      <${Header} model=${model} say=${say} onHelp=${() => setDialog({ kind: 'help' })} />
      ${none ? html`<${Empty} model=${model} say=${say} />` : html`<main class="panes">
        <section class="list-pane" aria-label="List">
          <${Filter} model=${model} onExport=${bind.exportMenu} />
          ${model.loaded && !model.rows.length && html`<p class="no-match">Nothing matches the filter.</p>`}
          <${List} model=${model} onOpen=${openAt} />
        </section>
        <${Detail} got=${shown.current} sims=${shown.current?.id === model.selected ? sims : []} tab=${tab} setTab=${setTab} actions=${bind} busy=${busy.includes(shown.current?.id)}
          replayReason=${(d) => actions.replayReason(d)} onBack=${back} />
      </main>`}
      <${Dialogs} dialog=${dialog} close=${() => setDialog(null)} actions=${actions} />
      <div class="toasts" aria-live="polite">${toast && html`<p class=${`toast ${toast.tone}`} key=${toast.n}>${visible(toast.text)}</p>`}</div>
    </div>`;
}

function Dialogs({ dialog, close, actions }) {
  const onClose = () => close();
  switch (dialog?.kind) {
    case 'help': return html`<${Help} onClose=${onClose} />`;
    case 'menu': return html`<${Menu} key=${dialog.title} ...${dialog} onClose=${onClose} />`;
    case 'confirm': return html`<${Confirm} ...${dialog} onClose=${onClose} />`;
    case 'line': return html`<${Line} ...${dialog} onClose=${onClose} />`;
    case 'edit': return html`<${Edit} d=${dialog.got.delivery} attempts=${dialog.got.attempts} onClose=${onClose}
      onForecast=${(request) => actions.forecast(dialog.got.delivery.id, request)} onSend=${(request) => actions.send(dialog.got.delivery.id, request)} />`;
    default: return null;
  }
}

// Filter is the query box, what is wrong with the query, and what is new.
function Filter({ model, onExport }) {
  const [text, setText] = useState(model.query);
  const timer = useRef(0);
  const applied = useRef(model.query);
  useEffect(() => { // set by someone else; what is being typed is never touched
    if (model.query !== applied.current) setText(applied.current = model.query);
  }, [model.query]);
  const apply = (value, wait) => {
    clearTimeout(timer.current);
    timer.current = setTimeout(() => model.setQuery(applied.current = value.trim()), wait);
  };
  return html`
    <div class="filter">
      <div class="filter-line">
        <input id="filter" type="search" class="code" placeholder="Filter, such as is:failed" aria-label="Filter" value=${text} spellcheck=${false} autocomplete="off"
          aria-invalid=${Boolean(model.queryError)} aria-describedby="filter-error"
          onInput=${(e) => { setText(e.target.value); apply(e.target.value, 250); }}
          onKeyDown=${(e) => { if (e.key === 'Enter') { apply(e.target.value, 0); document.getElementById('list')?.focus(); } }} />
        <button class="follow" aria-pressed=${model.following} title="Follow the newest (f)" onClick=${() => (model.following ? model.stopFollowing() : model.follow())}>Follow</button>
        <button class="icon" title="Export (x)" aria-label="Export" onClick=${onExport}>⇩</button>
      </div>
      <p id="filter-error" class="query-error" role="alert">${model.queryError}</p>
      ${model.fresh > 0 && html`<button class="fresh" id="fresh" onClick=${() => model.follow()}>↑ ${model.fresh.toLocaleString('en-US')} new</button>`}
    </div>`;
}

function useToast() {
  const [toast, setToast] = useState(null);
  const n = useRef(0);
  const say = useMemo(() => (text, tone = '') => {
    const mine = ++n.current;
    setToast({ text, tone, n: mine });
    setTimeout(() => setToast((t) => (t?.n === mine ? null : t)), tone === 'bad' ? 7000 : 3000);
  }, []);
  return [toast, say];
}

// useAddress keeps the filter and the delivery in the address, so that a
// reload, or a copied address, shows the same.
function useAddress(model) {
  const hash = model.following || !model.selected ? '' : `#${model.selected}`;
  const search = model.query ? `?${new URLSearchParams({ q: model.query })}` : '';
  useEffect(() => {
    if (!model.loaded) return;
    history.replaceState(null, '', `${location.pathname}${search}${hash}`);
    const failed = model.summary && (model.summary.last?.error || model.summary.last?.status >= 400);
    document.title = `${failed ? '● ' : ''}hookloop`;
  }, [hash, search, model.loaded, model.summary]);
}

render(html`<${App} />`, document.getElementById('app'));
