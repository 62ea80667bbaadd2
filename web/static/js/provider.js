// Who sent a delivery, what it is, and whether its signature holds.

import { html, useEffect, useState } from '../vendor/preact-htm.js';
import * as api from './api.js';
import * as format from './format.js';
import { hexRow } from './lines.js';

const marks = { valid: ['✓', 'good', 'valid'], invalid: ['✗', 'bad', 'not valid'], unverifiable: ['·', 'idle', 'not checked'] };
// markOf is a result's mark, tone and word. A handshake without a signature has nothing that could be valid.
const markOf = (result, scheme) => (result === 'valid' && scheme === 'handshake' ? ['·', 'idle', 'not signed (a handshake)'] : marks[result]);
const certainties = { named: 'as you said', certain: 'certain', likely: 'likely', guess: 'a guess' };

// name is how a provider is called in a list: "stripe", or "stripe?" for a guess.
export const name = (f) => `${format.visible(f.provider)}${f.certainty === 'guess' ? '?' : ''}`;

// signature says in words how a signature did.
export function signature(f) {
  const word = markOf(f.signature, f.scheme)?.[2];
  if (!word) return '';
  const by = f.signature === 'valid' && f.scheme !== 'handshake' ? [f.scheme, f.secret].filter(Boolean).join(', ') : f.signature_reason;
  return format.visible(`${word.startsWith('not signed') ? 'N' + word.slice(1) : `Signature ${word}`}${by ? `: ${by}` : ''}`);
}

export function SignatureMark({ f }) {
  const mark = markOf(f.signature, f.scheme);
  if (!mark) return null;
  const words = signature(f);
  return html`<span class=${`sigmark ${mark[1]}`} role="img" title=${words} aria-label=${words}>${mark[0]}</span>`;
}

export const HandshakeBadge = ({ f }) => f.handshake && html`<span class="badge" title=${`Handshake: ${format.visible(f.handshake)}`}>handshake</span>`;

// InRow is what a row of the list says of a provider.
export function InRow({ d }) {
  const guess = d.certainty === 'guess' ? `A guess${d.others?.length ? `; it might also be ${d.others.join(', ')}` : ''}` : '';
  return html`<span class="who"><${SignatureMark} f=${d} /> <span class="who-name" title=${format.visible(guess) || undefined}>${name(d)}</span>
    <span class="event" title=${format.visible(d.event_type)}><bdi>${format.visible(d.event_type)}</bdi></span>${d.event_id && html` <span class="row-event-id" title=${`Event ID ${format.visible(d.event_id)}`}><bdi>${format.visible(d.event_id)}</bdi></span>`}<${HandshakeBadge} f=${d} /></span>`;
}

// Provider is the panel of a delivery; nothing when nobody looked.
export function Provider({ d, actions }) {
  if (!d.provider && !d.signature) return null;
  const title = d.about?.title || d.provider;
  return html`<section class="provider" aria-label="Provider">
    <h3>Provider</h3>
    <dl class="facts">
      <${Fact} name="Sent by"><${Who} d=${d} /><//>
      ${d.event_type && html`<${Fact} name="Event"><bdi class="code">${format.visible(d.event_type)}</bdi><//>`}
      ${d.event_id && html`<${Fact} name="Event ID">
        <button class="link code" id="event-id" title="List all deliveries of this event" onClick=${() => actions.sameEvent(d.event_id)}><bdi>${format.visible(d.event_id)}</bdi></button>
        ${d.provider_attempt > 0 && html` <span class="hint">the provider’s attempt ${d.provider_attempt}</span>`}<//>`}
      ${d.provider && d.remote_addr && html`<${Fact} name="From"><span class="code">${format.visible(d.remote_addr)}</span> <${Address} d=${d} title=${title} /><//>`}
      <${Fact} name="Signature"><${SignatureMark} f=${d} /> <span id="signature">${format.visible(sentence(d))}</span> <${Explain} key=${d.id} d=${d} /><//>
    </dl>
    <${Handshake} d=${d} title=${title} actions=${actions} />
  </section>`;
}

const Fact = ({ name: what, children }) => html`<div><dt>${what}</dt><dd>${children}</dd></div>`;

function Who({ d }) {
  if (!d.provider) return 'Not recognised';
  const others = d.others?.length ? `; it might also be ${d.others.join(', ')}` : '';
  return html`<b>${format.visible(d.about?.title || d.provider)}</b> <span class="hint">${certainties[d.certainty] || ''}${format.visible(others)}</span>
    ${/^https?:\/\//.test(d.about?.docs) && html` <a href=${d.about.docs} target="_blank" rel="noreferrer">docs</a>`}`;
}

function Address({ d, title }) {
  if (d.address === 'listed') return html`<span class="good">is an address that ${format.visible(title)} publishes</span>`;
  if (d.address === 'not listed') return html`<span class="warn">is not an address that ${format.visible(title)} publishes</span>`;
  return null;
}

function sentence(d) {
  if (d.signature === 'valid' && d.scheme === 'handshake') return `not signed (a handshake)${d.signature_reason ? `: ${d.signature_reason}` : ''}`;
  if (d.signature !== 'valid') return d.signature_reason || marks[d.signature]?.[2] || 'nobody looked';
  return `valid${d.scheme ? `, ${d.scheme}` : ''}${d.secret ? `, with ${d.secret}` : ''}`;
}

// Handshake says what a handshake wants, and has it confirmed where that is ours to do.
function Handshake({ d, title, actions }) {
  if (!d.handshake) return null;
  const what = d.about?.handshake || 'The provider makes sure that the endpoint is yours. The handler has to answer it, or hookloop with --answer-handshakes.';
  return html`<div class="handshake"><p><b>Handshake</b> <span class="code">${format.visible(d.handshake)}</span></p><p>${format.visible(what)}</p>
    ${d.about?.unanswered && html`<p class="reason bad" id="unanswered">${format.visible(d.about.unanswered)}.</p>`}
    ${format.answered(d) && html`<p id="answered">Answered by hookloop.</p>`}
    ${d.about?.confirm && html`<button id="confirm" onClick=${() => actions.confirm(d, title)}>Confirm …</button>`}</div>`;
}

// Explain shows, when asked, what was compared, checked again now.
function Explain({ d }) {
  const [open, setOpen] = useState(false);
  const [got, setGot] = useState(null);
  useEffect(() => {
    if (!open) return undefined;
    const abort = new AbortController();
    api.signature(d.id, abort.signal).then(setGot, (err) => err.name !== 'AbortError' && setGot({ error: err.message }));
    return () => abort.abort();
  }, [open, d.id]);
  return html`<button class="link" id="explain" aria-expanded=${open} onClick=${() => setOpen(!open)}>${open ? 'Hide' : 'Explain'}</button>
    ${open && html`<div class="explanation" id="explanation">${!got ? html`<p class="hint">Checking …</p>`
      : got.error ? html`<p class="reason bad">${format.visible(got.error)}</p>` : html`<${Explanation} got=${got} />`}</div>`}`;
}

function Explanation({ got }) {
  const e = got.explanation;
  const mark = markOf(got.result, got.scheme) || marks.unverifiable;
  return html`
    <p><b class=${mark[1]}>${mark[0]} ${mark[2]}</b>${got.reason ? `: ${format.visible(got.reason)}` : ''}</p>
    ${got.signed_at && html`<p class="hint">Signed at ${format.exactTime(got.signed_at)}.</p>`}
    ${e ? html`
      ${e.message_base64 !== null && html`<h4>What is signed</h4><${Message} e=${e} />`}
      ${e.expected && html`<h4>Expected in ${format.visible(e.where)}</h4><pre class="code" id="expected">${format.visible(e.expected)}</pre>`}
      <h4>Received${e.expected ? '' : ` in ${format.visible(e.where)}`}</h4>
      ${e.received.length ? e.received.map((text, i) => html`<pre class="code received" key=${i}>${format.visible(text)}</pre>`) : html`<p class="hint">Nothing.</p>`}`
      : html`<p class="hint">Nothing was compared.</p>`}
    ${got.notes.map((note, i) => html`<p class="hint" key=${i}>${format.visible(note)}</p>`)}`;
}

const maxShown = 20_000; // characters, or bytes

// Message writes out every byte that a reader could not see: line ends too.
function Message({ e }) {
  if (e.message === null) {
    const bytes = Uint8Array.from(atob(e.message_base64), (c) => c.charCodeAt(0));
    const rows = Array.from({ length: Math.ceil(Math.min(bytes.length, maxShown) / 16) }, (_, i) => hexRow(bytes, i, 16).join('  '));
    return html`<pre class="code message" id="message" tabindex="0">${rows.join('\n')}</pre><${Cut} of=${bytes.length} />`;
  }
  const parts = e.message.slice(0, maxShown).split(/(\r\n|[\n\r\t])/);
  return html`<pre class="code message" id="message" tabindex="0">${parts.map((part, i) => (i % 2
    ? html`<span class="byte" key=${i}>${JSON.stringify(part).slice(1, -1)}</span>${part.includes('\n') ? '\n' : ''}`
    : format.visible(part)))}</pre><${Cut} of=${e.message.length} />`;
}

const Cut = ({ of }) => of > maxShown && html`<p class="hint">It goes on: only the beginning of ${format.count(of)} is shown.</p>`;
