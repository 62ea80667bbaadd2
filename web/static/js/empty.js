// What stands where there is nothing to list.

import { html } from '../vendor/preact-htm.js';
import { copy } from './clipboard.js';
import { CopyIcon, publicURL } from './header.js';

export function Empty({ model, say }) {
  const url = publicURL(model.status);
  const line = `curl -X POST ${url}/hello -H 'Content-Type: application/json' -d '{"hello":"world"}'`;
  const remote = Boolean(model.status?.endpoint.url);
  return html`<main class="empty" id="empty">
    <div class="empty-card">
      <h2>Waiting for the first delivery</h2>
      ${url ? html`
        <p>Give this URL to your provider${remote ? '' : '; without a tunnel only this machine reaches it'}:</p>
        <${Line} text=${url} what="the URL" say=${say} />
        <p>Or send one yourself:</p>
        <${Line} text=${line} what="the curl line" say=${say} />`
        : html`<p>There is no URL yet. As soon as the tunnel is online it is shown here.</p>`}
      <p class="hint">Every delivery shows up here at once, is kept, and can be replayed against your handler. Press <kbd>?</kbd> for the keys.</p>
    </div>
  </main>`;
}

const Line = ({ text, what, say }) => html`<div class="copy-line"><code>${text}</code>
  <button class="icon" aria-label=${`Copy ${what}`} title=${`Copy ${what}`} onClick=${() => copy(text, what, say)}><${CopyIcon} /></button></div>`;
