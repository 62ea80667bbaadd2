// The JSON tree. Its rows are made when a container is opened, and drawn when
// they are on the screen.

import { html, useMemo, useRef, useState } from '../vendor/preact-htm.js';
import { literal, members } from './json.js';
import { visible } from './format.js';
import { Virtual } from './virtual.js';

const rowHeight = 21; // as in detail.css
const page = 1000; // members that are opened at once
const firstRows = 150; // about so many are open in the beginning

export function Tree({ text, root, fill }) {
  const rows = useMemo(() => unfold(text, root), [text, root]);
  const [, draw] = useState(0);
  const at = useRef(0);
  const [focus, setFocus] = useState(-1);

  const toggle = (i) => {
    const r = rows[i];
    if (r.more) rows.splice(i, 1, ...children(text, r.node, r.depth, r.more));
    else if (r.open) close(rows, i);
    else if (r.node.count > 0) open(text, rows, i);
    draw((n) => n + 1);
  };
  const onKeyDown = (event) => {
    const move = { ArrowDown: 1, ArrowUp: -1, j: 1, k: -1 }[event.key];
    const r = rows[focus];
    if (move && focus >= 0 && !event.ctrlKey && !event.metaKey) setFocus(Math.max(0, Math.min(rows.length - 1, focus + move)));
    else if (r && (event.key === 'Enter' || event.key === ' ' || (event.key === 'ArrowRight' && !r.open) || (event.key === 'ArrowLeft' && r.open))) toggle(focus);
    else return;
    event.preventDefault();
    event.stopPropagation();
    const box = event.currentTarget;
    const top = at.current = Math.max(0, Math.min(rows.length - 1, focus + (move || 0))) * rowHeight;
    if (top < box.scrollTop) box.scrollTop = top;
    else if (top + rowHeight > box.scrollTop + box.clientHeight) box.scrollTop = top + rowHeight - box.clientHeight;
  };
  return html`<${Virtual} count=${rows.length} rowHeight=${rowHeight} fill=${fill} className="code tree" role="tree"
    aria-label="Body as JSON" onKeyDown=${onKeyDown} onBlur=${() => setFocus(-1)}
    row=${(i) => html`<${TreeRow} key=${i} r=${rows[i]} text=${text} focused=${i === focus}
      onToggle=${() => { setFocus(i); toggle(i); }} />`} />`;
}

function TreeRow({ r, text, focused, onToggle }) {
  const { node, depth } = r;
  const container = node.type === 'object' || node.type === 'array';
  const folds = r.more || (container && node.count > 0 && !r.end);
  const indent = { paddingLeft: `${depth * 18 + 22}px` };
  return html`
    <div class=${`tree-row${folds ? ' folds' : ''}${focused ? ' focused' : ''}`} style=${indent} role="treeitem" aria-level=${depth + 1}
      aria-expanded=${folds && !r.more ? Boolean(r.open) : undefined} onClick=${folds ? onToggle : undefined}>
      ${folds && !r.more && html`<span class=${`fold${r.open ? ' open' : ''}`} style=${{ left: `${depth * 18 + 6}px` }} aria-hidden="true"></span>`}
      ${r.more ? html`<span class="json-note">… ${r.left.toLocaleString('en-US')} more: show the next ${Math.min(page, r.left).toLocaleString('en-US')}</span>`
        : r.end ? html`<span class="json-mark">${node.type === 'object' ? '}' : ']'}</span>`
        : html`${node.key !== null && html`<span class="json-key">${key(node.key)}</span><span class="json-mark">: </span>`}${value(text, node, r.open)}`}
    </div>`;
}

const key = (raw) => visible(literal(raw, { start: 0, end: raw.length }, 200));

function value(text, node, open) {
  if (node.type === 'object' || node.type === 'array') {
    const [begin, end] = node.type === 'object' ? '{}' : '[]';
    if (open) return html`<span class="json-mark">${begin}</span>`;
    const what = node.type === 'object' ? 'key' : 'item';
    return html`<span class="json-mark">${begin}${node.count ? ' … ' : ''}${end}</span>
      ${node.count > 0 && html`<span class="json-note">${node.count.toLocaleString('en-US')} ${what}${node.count === 1 ? '' : 's'}</span>`}`;
  }
  if (node.type !== 'string') return html`<span class=${`json-${node.type}`}>${text.slice(node.start, Math.min(node.end, node.start + 600))}</span>`;
  const long = node.end - node.start > 600;
  return html`<span class="json-string">${visible(literal(text, node))}</span>
    ${long && html`<span class="json-note">${(node.end - node.start - 2).toLocaleString('en-US')} characters, all in Raw</span>`}`;
}

// A row is { node, depth } with open or end for a container, or with more: the
// place where the rest of the members begins.

function children(text, parent, depth, from = 0) {
  const { list, next } = members(text, parent, from, page);
  const rows = list.map((node) => ({ node, depth }));
  const shown = (from ? parent.shown : 0) + list.length;
  parent.shown = shown;
  if (next) rows.push({ node: parent, depth, more: next, left: parent.count - shown });
  return rows;
}

function open(text, rows, i) {
  const r = rows[i];
  r.open = true;
  const inside = children(text, r.node, r.depth + 1);
  inside.push({ node: r.node, depth: r.depth, end: true });
  splice(rows, i + 1, 0, inside);
  return inside.length;
}

function close(rows, i) {
  const r = rows[i];
  r.open = false;
  let end = i + 1;
  while (!(rows[end].end && rows[end].node === r.node)) end++;
  rows.splice(i + 1, end - i);
}

// splice is Array.splice for more items than a call takes arguments.
function splice(rows, at, remove, items) {
  const tail = rows.splice(at + remove);
  rows.length = at;
  for (const item of items) rows.push(item);
  for (const item of tail) rows.push(item);
}

// unfold opens containers from the outside in, while there is room.
function unfold(text, root) {
  const rows = [{ node: root, depth: 0 }];
  for (let depth = 0; depth < 6; depth++) {
    let opened = false;
    for (let i = 0; i < rows.length && rows.length < firstRows; i++) {
      const { node, more, end } = rows[i];
      if (rows[i].depth !== depth || more || end || !(node.count > 0)) continue;
      if (depth && rows.length + node.count > firstRows) continue;
      i += open(text, rows, i);
      opened = true;
    }
    if (!opened) break;
  }
  return rows;
}
