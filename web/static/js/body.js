// A body: as a JSON tree, as text, as bytes.

import { html, useEffect, useLayoutEffect, useMemo, useRef, useState } from '../vendor/preact-htm.js';
import * as api from './api.js';
import { size as sizeOf, visible } from './format.js';
import { parse } from './json.js';
import { hexRow, line, wrap } from './lines.js';
import { Tree } from './tree.js';
import { Virtual, maxRows } from './virtual.js';

const lineHeight = 20; // as in detail.css

// textOf returns bytes as text, or null when they are not UTF-8 text.
export function textOf(bytes) {
  if (bytes.subarray(0, 1 << 20).includes(0)) return null;
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    return null;
  }
}

// Body shows what is at path. It takes the room there is with fill, else as
// much as it needs, up to a limit.
export function Body({ path, size, stored, truncated, fill, label = 'Body' }) {
  const [got, setGot] = useState({ path: '' });
  const [choice, setChoice] = useState('');
  useEffect(() => {
    let current = true;
    if (stored === 0) return undefined;
    api.bytes(path, stored).then(
      (entry) => current && setGot({ path, ...entry }),
      (err) => current && setGot({ path, error: err.message }),
    );
    return () => { current = false; };
  }, [path, stored]);
  const bytes = got.path === path ? got.bytes : null;
  const text = useMemo(() => (bytes ? textOf(bytes) : null), [bytes]);
  const root = useMemo(() => (text ? parse(text) : null), [text]);

  if (stored === 0) return html`<p class="body-empty">${label} is empty.</p>`;
  if (got.path !== path) return html`<p class="body-empty">Loading ${sizeOf(stored)} …</p>`;
  if (got.error) return html`<p class="body-empty bad">${got.error}</p>`;
  const modes = [root && 'JSON', text !== null && 'Raw', 'Hex'].filter(Boolean);
  const mode = modes.includes(choice) ? choice : modes[0];
  const notes = [got.note && got.note[0].toUpperCase() + got.note.slice(1), truncated && `only the first ${sizeOf(stored)} of ${sizeOf(size)} are kept`].filter(Boolean);
  return html`
    <div class=${`body${fill ? ' fill' : ''}`}>
      <div class="body-bar">
        <div class="segments" role="radiogroup" aria-label="Show the body as">
          ${modes.map((m) => html`<button key=${m} role="radio" aria-checked=${m === mode} onClick=${() => setChoice(m)}>${m}</button>`)}
        </div>
        <span class="body-note">${sizeOf(stored)}${notes.length ? ` · ${notes.join(' · ')}` : ''}</span>
        <button class="link" onClick=${() => api.save(`${path}?download=1`)}>Download</button>
      </div>
      ${mode === 'JSON' ? html`<${Tree} key=${path} text=${text} root=${root} fill=${fill} />`
        : mode === 'Raw' ? html`<${Raw} key=${path} text=${text} fill=${fill} />`
        : html`<${Hex} key=${path} bytes=${bytes} fill=${fill} />`}
    </div>`;
}

// useColumns measures how many characters of the code font fit.
function useColumns(padding) {
  const probe = useRef();
  const charWidth = useRef(7.8);
  const [columns, setColumns] = useState(80);
  useLayoutEffect(() => { charWidth.current = probe.current.getBoundingClientRect().width / 100; }, []);
  const onWidth = (width) => setColumns(Math.max(16, Math.floor((width - padding) / charWidth.current)));
  const ruler = html`<span class="ruler code" ref=${probe} aria-hidden="true">${'0'.repeat(100)}</span>`;
  return [columns, onWidth, ruler];
}

function Raw({ text, fill }) {
  const [columns, onWidth, ruler] = useColumns(44);
  const max = maxRows(lineHeight);
  const starts = useMemo(() => wrap(text, columns, max), [text, columns]);
  return html`${ruler}
    <${Virtual} count=${starts.length} rowHeight=${lineHeight} fill=${fill} className="code raw" onWidth=${onWidth} aria-label="Body as text"
      row=${(i) => html`<div class=${`line${i > 0 && text.charCodeAt(starts[i] - 1) !== 10 ? ' goes-on' : ''}`} key=${i}>${visible(line(text, starts, i)) || '\u200b'}</div>`} />
    ${starts.length > max && html`<p class="body-empty">It goes on; download it to see the rest.</p>`}`;
}

function Hex({ bytes, fill }) {
  const [columns, onWidth, ruler] = useColumns(32);
  const per = columns >= 145 ? 32 : columns >= 77 ? 16 : 8;
  const count = Math.ceil(bytes.length / per);
  return html`${ruler}
    <${Virtual} count=${count} rowHeight=${lineHeight} fill=${fill} className="code hex" onWidth=${onWidth} aria-label="Body as bytes"
      row=${(i) => {
        const [offset, digits, chars] = hexRow(bytes, i, per);
        return html`<div class="line" key=${i}><span class="offset">${offset}</span>  ${digits} <span class="chars">${chars}</span></div>`;
      }} />
    ${count > maxRows(lineHeight) && html`<p class="body-empty">It goes on; download it to see the rest.</p>`}`;
}
