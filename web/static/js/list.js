// The list: only the rows on the screen are in the DOM. While not following,
// what is on the screen stays where it is, whatever arrives above it.

import { html, useLayoutEffect, useRef, useState } from '../vendor/preact-htm.js';
import * as format from './format.js';
import { InRow } from './provider.js';
import { VerdictMark } from './simulations.js';

export const rowHeight = 56; // as in list.css
const overscan = 8;

export function List({ model, onOpen }) {
  const box = useRef();
  const anchor = useRef({ id: 0, delta: 0 });
  const wanted = useRef(0); // the scroll position we set ourselves
  const [view, setView] = useState({ top: 0, height: 800 });
  const { rows } = model;

  useLayoutEffect(() => {
    const observer = new ResizeObserver(() => setView((v) => ({ ...v, height: box.current.clientHeight })));
    observer.observe(box.current);
    return () => observer.disconnect();
  }, []);

  const scrollTo = (top) => {
    const el = box.current;
    if (Math.abs(el.scrollTop - top) < 1) return;
    el.scrollTop = top;
    wanted.current = el.scrollTop;
    setView((v) => ({ ...v, top: el.scrollTop }));
  };

  // Rows came in or left: keep the first one on the screen where it is.
  useLayoutEffect(() => {
    if (model.following) {
      scrollTo(0);
      remember(); // where to stay once following ends
      return;
    }
    if (!anchor.current.id) return;
    const at = model.index(anchor.current.id);
    scrollTo((at < 0 ? -1 - at : at) * rowHeight + anchor.current.delta);
  }, [rows, rows.length, model.following]);

  // The selection moved: bring it into view.
  useLayoutEffect(() => {
    const at = model.index(model.selected);
    if (model.following || at < 0) return;
    const { scrollTop, clientHeight } = box.current;
    const top = at * rowHeight;
    if (top < scrollTop) scrollTo(top);
    else if (top + rowHeight > scrollTop + clientHeight) scrollTo(top + rowHeight - clientHeight);
    remember();
  }, [model.selected]);

  function remember() {
    const top = box.current.scrollTop;
    const first = Math.floor(top / rowHeight);
    anchor.current = { id: rows[first]?.id ?? 0, delta: top - first * rowHeight };
  }

  function onScroll() {
    const el = box.current;
    setView({ top: el.scrollTop, height: el.clientHeight });
    const ours = Math.abs(el.scrollTop - wanted.current) < 1;
    if (!ours && el.scrollTop > 1) model.stopFollowing();
    wanted.current = -1;
    remember();
    if (el.scrollTop <= 1 && model.fresh && !ours) {
      model.fresh = 0;
      model.changed();
    }
    if (el.scrollTop + el.clientHeight > el.scrollHeight - 20 * rowHeight) model.older();
  }

  const first = Math.max(0, Math.floor(view.top / rowHeight) - overscan);
  const last = Math.min(rows.length, Math.ceil((view.top + view.height) / rowHeight) + overscan);
  const selectedAt = model.index(model.selected);
  return html`
    <div class="rows" ref=${box} onScroll=${onScroll} role="listbox" tabindex="0" id="list"
      aria-label="Deliveries, newest first" aria-activedescendant=${selectedAt >= first && selectedAt < last ? `row-${model.selected}` : undefined}>
      <div class="rows-all" role="presentation" style=${{ height: `${rows.length * rowHeight}px` }}>
        <div class="rows-seen" role="presentation" style=${{ transform: `translateY(${first * rowHeight}px)` }}>
          ${rows.slice(first, last).map((d, i) => html`
            <${Row} key=${d.id} d=${d} at=${first + i} total=${model.more ? -1 : rows.length}
              sim=${model.verdicts.get(d.id)} selected=${d.id === model.selected} onOpen=${onOpen} />`)}
        </div>
      </div>
    </div>`;
}

function Row({ d, at, total, sim, selected, onOpen }) {
  const [word, tone] = d.waiting ? ['held', 'wait'] : format.outcome(d.last, d.disposition, d);
  const cut = d.target.indexOf('?');
  const path = cut < 0 ? d.target : d.target.slice(0, cut);
  const replays = d.attempts > 1 ? html`<span class="times" title=${`${d.attempts} attempts`}>×${d.attempts}</span>` : null;
  return html`
    <div class=${`row${selected ? ' selected' : ''}`} id=${`row-${d.id}`} role="option" aria-selected=${selected}
      aria-posinset=${at + 1} aria-setsize=${total} onClick=${() => onOpen(at)}>
      <span class=${`mark ${tone}`} aria-hidden="true"></span>
      <div class="row-main">
        <span class="method">${format.visible(d.method)}</span>
        <span class="target" title=${format.visible(d.target)}><bdi>${format.visible(path)}</bdi><span class="query">${cut < 0 ? '' : format.visible(d.target.slice(cut))}</span></span>
        ${d.pinned && html`<span class="pinned" title="Pinned: kept by retention">●<span class="sr">pinned</span></span>`}
        ${replays}
        <${VerdictMark} sim=${sim} />
        <span class=${`status ${tone}`} title=${d.waiting ? 'Delivered as soon as the handler answers again' : format.visible(d.last?.error || d.reason || '')}>${word}</span>
      </div>
      <div class="row-sub">
        <span class="id">#${d.id}</span>
        <time datetime=${d.received_at} title=${format.exactTime(d.received_at)}>${format.time(d.received_at)}</time>
        ${d.provider ? html`<${InRow} d=${d} />` : html`<span class="type">${format.visible(shortType(d.content_type))}</span>
          <span>${format.size(d.size)}${d.truncated ? ' cut' : ''}</span>`}
        ${d.source && html`<span class="source" title=${format.sources[d.source] || ''}>${format.visible(d.source === 'simulation' ? 'simulated' : d.source)}</span>`}
        <span class="took">${d.last && d.last.state !== 'pending' ? format.duration(d.last.duration_ns) : ''}</span>
      </div>
    </div>`;
}

// shortType leaves of a media type what tells it apart.
function shortType(type) {
  const media = type.split(';')[0].trim();
  return media.replace(/^application\/(x-)?/, '').replace('www-form-urlencoded', 'form') || 'no type';
}
