// Rows of one height, of which only those on the screen are in the DOM.

import { html, useLayoutEffect, useRef, useState } from '../vendor/preact-htm.js';

// A browser can't make an element much higher than this.
const maxHeight = 30e6;

export const maxRows = (rowHeight) => Math.floor(maxHeight / rowHeight);

// Virtual draws row(i) for the rows on the screen. Without fill it is as high
// as its rows, up to the max-height that its class sets. onWidth gets the
// width there is.
export function Virtual({ count, rowHeight, row, fill, className = '', onWidth, ...rest }) {
  const box = useRef();
  const [view, setView] = useState({ top: 0, height: 400 });
  useLayoutEffect(() => {
    const measure = () => {
      const el = box.current;
      if (!el) return; // it has left already
      setView({ top: el.scrollTop, height: el.clientHeight });
      onWidth?.(el.clientWidth);
    };
    measure();
    const observer = new ResizeObserver(measure);
    observer.observe(box.current);
    return () => observer.disconnect();
  }, []);
  const shown = Math.min(count, maxRows(rowHeight));
  const first = Math.max(0, Math.min(Math.floor(view.top / rowHeight) - 10, shown - 1));
  const last = Math.min(shown, Math.ceil((view.top + view.height) / rowHeight) + 10);
  const drawn = [];
  for (let i = first; i < last; i++) drawn.push(row(i));
  const height = shown * rowHeight;
  return html`
    <div ref=${box} class=${`virtual ${fill ? 'fill' : ''} ${className}`} tabindex="0" ...${rest}
      onScroll=${() => box.current && setView({ top: box.current.scrollTop, height: box.current.clientHeight })}>
      <div class="virtual-all" role="presentation" style=${{ height: `${height}px` }}>
        <div class="virtual-seen" role="presentation" style=${{ transform: `translateY(${first * rowHeight}px)` }}>${drawn}</div>
      </div>
    </div>`;
}
