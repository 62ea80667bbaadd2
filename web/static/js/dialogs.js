// Dialogs: menus with a letter for each entry, help, and questions. A dialog
// of the browser keeps the focus inside and gives it back.

import { html, useLayoutEffect, useRef, useState } from '../vendor/preact-htm.js';
import { visible } from './format.js';

// Dialog gives the focus to what the selector first finds, else to its close button.
export function Dialog({ title, first = '.none', className = '', onClose, onKeyDown, children }) {
  const box = useRef();
  useLayoutEffect(() => {
    const back = document.activeElement;
    box.current.showModal();
    box.current.querySelector(first)?.focus();
    return () => back?.focus?.({ preventScroll: true });
  }, []);
  return html`
    <dialog ref=${box} class=${className} aria-label=${title} onKeyDown=${onKeyDown}
      onCancel=${(event) => { event.preventDefault(); onClose(); }}
      onMouseDown=${(event) => event.target === box.current && onClose()}>
      <div class="dialog-head"><h2>${title}</h2><button class="icon" aria-label="Close" onClick=${onClose}>✕</button></div>
      ${children}
    </dialog>`;
}

// Menu lists entries of { key, name, hint, run, reason } below a text, if there
// is one. An entry with a reason can't be chosen, and says why.
export function Menu({ title, text, entries, onClose }) {
  const choose = (entry) => {
    if (entry.reason) return;
    onClose();
    entry.run();
  };
  const onKeyDown = (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const buttons = [...event.currentTarget.querySelectorAll('.menu button')];
    const at = buttons.indexOf(document.activeElement);
    const move = { ArrowDown: 1, j: 1, ArrowUp: -1, k: -1 }[event.key];
    const entry = entries.find((e) => e.key === event.key);
    if (entry) choose(entry);
    else if (move) buttons[(at + move + buttons.length) % buttons.length].focus();
    else if (event.key === 'q') onClose();
    else return;
    event.preventDefault();
    event.stopPropagation();
  };
  return html`<${Dialog} title=${title} className=${`menu-dialog${entries.length > 10 ? ' many' : ''}`} first=".menu button" onClose=${onClose} onKeyDown=${onKeyDown}>
    ${text && html`<p class="menu-text">${visible(text)}</p>`}
    <div class="menu">${entries.map((e) => html`
      <button key=${e.key} aria-disabled=${Boolean(e.reason)} class=${e.tone || ''} onClick=${() => choose(e)}>
        <kbd>${e.key}</kbd><span>${e.name}${(e.reason || e.hint) && html`<small>${e.reason || e.hint}</small>`}</span>
      </button>`)}</div>
  <//>`;
}

const keys = [
  ['Move', [['j ↓ / k ↑', 'next, previous delivery'], ['g / G', 'newest (and follow), oldest'], ['enter', 'open'], ['esc q', 'back'], ['f', 'follow the newest']]],
  ['Look', [['tab ] / [', 'next, previous view'], ['/', 'filter'], ['?', 'this help']]],
  ['Do', [['r', 'replay'], ['e', 'edit and replay'], ['s', 'simulate: duplicates, retries, …'], ['y', 'copy: curl, body, URL, id'], ['x', 'export: HAR, JSON lines, curl'], ['m', 'pin'], ['.', 'more: pin, remove'], ['del', 'remove']]],
];
const examples = [
  ['status:>=500', 'answered with 500 or more'], ['is:failed', 'the last attempt failed'], ['verdict:fail', 'the last simulation came to FAIL'], ['provider:stripe event:charge.*', 'by provider and type of event'], ['method:POST path:/stripe/*', 'by method and path'],
  ['body.data.object.id:ch_1', 'by a value in the JSON body'], ['since:1h -path:/health', 'of the last hour, without some'], ['"free text"', 'anywhere'],
];

export function Help({ onClose }) {
  return html`<${Dialog} title="Keys and filters" className="help" onClose=${onClose} onKeyDown=${(e) => ['?', 'q'].includes(e.key) && onClose()}>
    <div class="help-columns">
      ${keys.map(([name, list]) => html`<div key=${name}><h3>${name}</h3><dl>${list.map(([k, what]) => html`<dt key=${k}>${k.split(' ').map((c) => (c === '/' && k !== '/' ? ' / ' : html`<kbd>${c}</kbd>`))}</dt><dd>${what}</dd>`)}</dl></div>`)}
      <div class="help-filters"><h3>Filters</h3><dl>${examples.map(([q, what]) => html`<dt key=${q}><code>${q}</code></dt><dd>${what}</dd>`)}</dl></div>
    </div>
  <//>`;
}

export function Confirm({ title, text, yes, no = 'Keep it', tone = 'danger', onYes, onClose }) {
  return html`<${Dialog} title=${title} className="confirm" first=".dialog-foot button" onClose=${onClose}>
    <p>${text}</p>
    <div class="dialog-foot"><button onClick=${onClose}>${no}</button><button class=${tone} onClick=${() => { onClose(); onYes(); }}>${yes}</button></div>
  <//>`;
}

// Line asks for a line of text, and stays open with the reason while it does not do.
export function Line({ title, label, line, onLine, onClose }) {
  const [text, setText] = useState(line);
  const [error, setError] = useState('');
  const [busy, setBusy] = useState(false);
  const send = async (event) => {
    event.preventDefault();
    setBusy(true);
    try {
      await onLine(text);
      onClose();
    } catch (err) {
      setError(err.message);
      setBusy(false);
    }
  };
  useLayoutEffect(() => document.getElementById('line').select(), []);
  return html`<${Dialog} title=${title} className="line-dialog" first="#line" onClose=${onClose} onKeyDown=${(e) => e.stopPropagation()}>
    <form onSubmit=${send}>
      <label>${label} <input id="line" class="code" value=${text} onInput=${(e) => setText(e.target.value)} spellcheck=${false} autocomplete="off" /></label>
      <p class="query-error" role="alert">${visible(error)}</p>
      <div class="dialog-foot"><button type="button" onClick=${onClose}>Cancel</button><button class="primary" disabled=${busy}>Begin</button></div>
    </form>
  <//>`;
}
