// The top of the page: where deliveries come from and go to, and the accounts.

import { html, useState } from '../vendor/preact-htm.js';
import { copy } from './clipboard.js';
import * as format from './format.js';

const endpointWords = {
  connecting: ['Connecting', 'wait'], online: ['Online', 'good'], reconnecting: ['Reconnecting', 'warn'],
  failed: ['Failed', 'bad'], stopped: ['Stopped', 'bad'], local: ['This machine only', 'idle'],
};
const healthWords = { up: ['up', 'good'], down: ['down', 'bad'], unknown: ['not checked yet', 'idle'], none: ['none', 'idle'] };

// publicURL is the address to give to a provider: the tunnel's, else ours.
export const publicURL = (status) => status?.endpoint.url || status?.receiver_url || '';

export function Header({ model, onHelp, say }) {
  const { status, counters, connection } = model;
  const [theme, setTheme] = useState(window.hookloopTheme.now());
  const url = publicURL(status);
  const [word, tone] = connection === 'online' ? endpointWords[status?.endpoint.state] || ['', 'idle'] : ['Offline', 'bad'];
  const [health, healthTone] = (connection === 'online' && healthWords[status?.handler.state]) || ['not known', 'idle'];
  return html`
    <header class="top">
      <div class="brand"><img src="/icon.svg" alt="" width="24" height="24" /><h1>hookloop</h1></div>
      ${status && html`<div class="route" aria-label="The way of a delivery">
        <span class="stop">
          <span class=${`dot ${tone}`} aria-hidden="true"></span>
          <span class="stop-text"><span class="stop-name">${word}${status.endpoint.provider && status.endpoint.provider !== 'none' ? ` · ${status.endpoint.provider}` : ''}</span>
            <span class="address" id="public-url">${url || 'no public URL yet'}</span></span>
          ${url && html`<button class="icon" title="Copy the URL" aria-label="Copy the public URL" onClick=${() => copy(url, 'the URL', say)}><${CopyIcon} /></button>`}
        </span>
        <span class="arrow" aria-hidden="true">→</span>
        <span class="stop" id="handler">
          <span class=${`dot ${healthTone}`} aria-hidden="true"></span>
          <span class="stop-text"><span class="stop-name">Handler · ${health}</span>
            <span class="address">${status.handler.url || 'none: deliveries are held'}</span></span>
        </span>
      </div>`}
      <div class="tools">
        <button class="icon" title=${`Theme: ${theme}`} aria-label=${`Theme: ${theme}; switch`} onClick=${() => setTheme(window.hookloopTheme.next())}><${ThemeIcon} theme=${theme} /></button>
        <button class="icon" title="Keys (?)" aria-label="Help and keys" onClick=${onHelp}>?</button>
      </div>
      ${counters && html`<${Accounts} c=${counters} />`}
    </header>
    <${Banner} model=${model} />`;
}

// Accounts are two sums that add up, so that nothing can get lost unseen.
function Accounts({ c }) {
  const term = (n, name, tone, last) => html`<span class=${`term${n ? '' : ' zero'}`}><b class=${n ? tone : ''}>${format.count(n)}</b> ${name}</span>${!last && html`<span class="plus">+</span>`}`;
  return html`<div class="accounts" aria-label="Counters">
    <p><span class="term total"><b>${format.count(c.received)}</b> received</span><span class="plus">=</span>
      ${term(c.forwarded, 'forwarded')}${term(c.held, 'held')}${term(c.refused, 'refused', 'bad', true)}</p>
    <p><span class="term total"><b>${format.count(c.attempts)}</b> attempts</span><span class="plus">=</span>
      ${term(c.status_2xx, '2xx', 'good')}${term(c.status_3xx, '3xx', 'info')}${term(c.status_4xx, '4xx', 'warn')}${term(c.status_5xx, '5xx', 'bad')}${term(c.errors, 'errors', 'bad')}${term(c.pending, 'pending', '', true)}</p>
  </div>`;
}

// Banner says what is wrong on the way, the worst first.
function Banner({ model }) {
  const { connection, status } = model;
  let text = '';
  let tone = 'warn';
  if (connection === 'locked') {
    [text, tone] = ['This page is locked: the token has changed. Open the URL that hookloop printed.', 'bad'];
  } else if (connection === 'offline') {
    text = 'hookloop can’t be reached. This page tries again by itself and then shows what it missed; what you see is from before.';
  } else if (status && ['reconnecting', 'failed', 'stopped', 'connecting'].includes(status.endpoint.state)) {
    const { state, reason, retries } = status.endpoint;
    text = `The tunnel is ${state}${retries > 1 ? ` (try ${retries})` : ''}${reason ? `: ${reason}` : ''}`;
    tone = state === 'failed' ? 'bad' : 'warn';
  } else if (status?.losing_acks) {
    text = `The next ${status.losing_acks === 1 ? 'answer to a provider is' : `${status.losing_acks} answers to providers are`} lost. To end that, press s and l.`;
  } else if (status?.handler.state === 'down') {
    text = `The handler is down${status.handler.reason ? `: ${status.handler.reason}` : ''}. Deliveries are kept; replay them when it is back.`;
  }
  return html`<div role="status" class="banner-place">${text && html`<p class=${`banner ${tone}`} id="banner">${format.visible(text)}</p>`}</div>`;
}

export const CopyIcon = () => html`<svg viewBox="0 0 16 16" width="16" height="16" fill="none" stroke="currentColor" stroke-width="1.4" aria-hidden="true"><rect x="5.2" y="5.2" width="8" height="8.6" rx="1.6" /><path d="M10.8 5V3.8c0-.9-.7-1.6-1.6-1.6H4.4c-.9 0-1.6.7-1.6 1.6v5.4c0 .9.7 1.6 1.6 1.6h.8" /></svg>`;

function ThemeIcon({ theme }) {
  const common = { viewBox: '0 0 16 16', width: 16, height: 16, fill: 'none', stroke: 'currentColor', 'stroke-width': 1.4, 'aria-hidden': true };
  if (theme === 'light') return html`<svg ...${common}><circle cx="8" cy="8" r="3" /><path d="M8 1v1.8M8 13.2V15M1 8h1.8M13.2 8H15M3 3l1.3 1.3M11.7 11.7 13 13M13 3l-1.3 1.3M4.3 11.7 3 13" stroke-linecap="round" /></svg>`;
  if (theme === 'dark') return html`<svg ...${common}><path d="M13.5 9.6A5.8 5.8 0 0 1 6.4 2.5a5.8 5.8 0 1 0 7.1 7.1Z" stroke-linejoin="round" /></svg>`;
  return html`<svg ...${common}><circle cx="8" cy="8" r="5.6" /><path d="M8 2.4v11.2a5.6 5.6 0 0 0 0-11.2Z" fill="currentColor" stroke="none" /></svg>`;
}
