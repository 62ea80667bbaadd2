// The keys, the same as in the terminal. A key that belongs to a text field,
// a button or a dialog is left to it.

import { useEffect, useRef } from '../vendor/preact-htm.js';

const narrow = () => matchMedia('(max-width: 899px)').matches;

// scroller is what moves when the detail has the focus.
function scroller() {
  const panel = document.getElementById('panel');
  return panel?.querySelector('.virtual.fill') || panel;
}

export function useKeys(page) {
  const latest = useRef(page);
  latest.current = page;
  useEffect(() => {
    const onKeyDown = (event) => handle(event, latest.current);
    document.addEventListener('keydown', onKeyDown);
    return () => document.removeEventListener('keydown', onKeyDown);
  }, []);
}

function handle(event, page) {
  if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey || page.dialog) return;
  const { target, key } = event;
  if (target.matches('input, textarea, select')) {
    if (key === 'Escape') leaveFilter(target, page);
    return;
  }
  const side = { ArrowRight: 1, ArrowLeft: -1 }[key];
  if (side && target.matches('[role=tab]')) {
    event.preventDefault();
    page.step(side);
    requestAnimationFrame(() => document.querySelector('[role=tab][aria-selected=true]')?.focus());
    return;
  }
  const onControl = target.closest('button, a, [role=tree]');
  if (onControl && (key === 'Enter' || key === ' ')) return;
  if (key === 'Tab' && (event.shiftKey || target === document.body || !inPanes(target))) return;
  const inDetail = Boolean(target.closest('#detail')) || (page.open && narrow());
  const run = (inDetail && inDetailKeys(key)) || keys[key];
  if (!run) return;
  event.preventDefault();
  run(page, inDetail);
}

// inPanes reports whether tab means the next view: where a list or a detail
// itself has the focus, not one of the controls in it.
const inPanes = (el) => el.id === 'list' || el.id === 'detail' || el.id === 'panel';

function leaveFilter(input, page) {
  if (input.id === 'filter' && input.value) page.model.setQuery('');
  else document.getElementById('list')?.focus({ preventScroll: true });
}

function inDetailKeys(key) {
  const by = { j: 60, ArrowDown: 60, k: -60, ArrowUp: -60 }[key];
  if (by) return () => scroller()?.scrollBy(0, by);
  if (key === 'g') return () => scroller()?.scrollTo(0, 0);
  if (key === 'G') return () => scroller()?.scrollTo(0, 1e9);
  return null;
}

const back = (page, inDetail) => {
  if (inDetail) page.back();
};

const keys = {
  j: (p) => p.model.move(1),
  ArrowDown: (p) => p.model.move(1),
  k: (p) => p.model.move(-1),
  ArrowUp: (p) => p.model.move(-1),
  PageDown: (p) => p.model.move(10),
  PageUp: (p) => p.model.move(-10),
  g: (p) => p.model.follow(),
  Home: (p) => p.model.follow(),
  G: (p) => p.model.toOldest(),
  End: (p) => p.model.toOldest(),
  f: (p) => (p.model.following ? p.model.stopFollowing() : p.model.follow()),
  Enter: (p) => {
    p.model.stopFollowing();
    p.setOpen(true);
    requestAnimationFrame(() => document.getElementById('detail')?.focus({ preventScroll: true }));
  },
  Escape: back,
  q: back,
  '?': (p) => p.setDialog({ kind: 'help' }),
  '/': () => {
    const input = document.getElementById('filter');
    input?.focus();
    input?.select();
  },
  r: (p) => p.actions.replay(),
  e: (p) => p.actions.edit(),
  s: (p) => p.actions.simulate(),
  y: (p) => p.actions.copyMenu(),
  x: (p) => p.actions.exportMenu(),
  m: (p) => p.actions.pin(),
  '.': (p) => p.actions.more(),
  Delete: (p) => p.actions.remove(),
  ']': (p) => p.step(1),
  '[': (p) => p.step(-1),
  Tab: (p) => p.step(1),
};
