// Edit & replay. What is not changed is not sent along, so that the rest
// stays byte for byte what the provider sent.

import { html, useEffect, useRef, useState } from '../vendor/preact-htm.js';
import * as api from './api.js';
import { textOf } from './body.js';
import { Dialog, Menu } from './dialogs.js';
import { size as sizeOf } from './format.js';

const maxEdited = 2 << 20; // a text field with more is no pleasure

export const headerText = (header) => Object.entries(header)
  .flatMap(([name, values]) => values.map((value) => `${name}: ${value}`)).join('\n');

// What frames the message follows from the body; it is not edited.
const framing = ['Content-Length', 'Transfer-Encoding', 'Connection'];

export const editedHeader = (header) => Object.fromEntries(Object.entries(header).filter(([name]) => !framing.includes(name)));

// headerChanges compares what was edited with what was there. It returns what
// the API takes: new values by name, [] for what is gone.
export function headerChanges(before, text) {
  const after = {};
  for (const [i, raw] of text.split('\n').entries()) {
    if (!raw.trim()) continue;
    const colon = raw.indexOf(':');
    const name = raw.slice(0, colon).trim();
    if (colon < 1 || !/^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/.test(name)) throw new Error(`Line ${i + 1} of the headers is not “Name: value”: ${raw}`);
    const known = Object.keys({ ...before, ...after }).find((n) => n.toLowerCase() === name.toLowerCase()) ?? name;
    (after[known] ??= []).push(raw.slice(colon + 1).replace(/^ /, ''));
  }
  const changes = {};
  for (const [name, values] of Object.entries(after)) {
    if (!before[name] || before[name].join('\n') !== values.join('\n')) changes[name] = values;
  }
  for (const name of Object.keys(before)) if (!after[name]) changes[name] = [];
  return changes;
}

// editable says how the line ends of a text survive a text field, which knows
// only LF: { text, restore }, or { reason } when they can't.
export function editable(text) {
  const crlf = (text.match(/\r\n/g) || []).length;
  const cr = (text.match(/\r/g) || []).length;
  const lf = (text.match(/\n/g) || []).length;
  if (!cr) return { text, restore: (s) => s };
  if (cr === crlf && lf === crlf) return { text: text.replaceAll('\r\n', '\n'), restore: (s) => s.replaceAll('\n', '\r\n') };
  return { reason: 'Its line ends are mixed, and a text field would make them all the same' };
}

const signatures = /^(stripe-signature|x-hub-signature(-256)?|webhook-signature|svix-signature|x-slack-signature|x-shopify-hmac-sha256|x-.*-signature)$/i;

async function load(d) {
  if (d.stored > maxEdited) return { reason: `It has ${sizeOf(d.stored)}, too much for a text field` };
  if (!d.text) return { reason: d.header['Content-Encoding'] ? `It is compressed (${d.header['Content-Encoding']})` : 'It is binary' };
  const text = textOf(await api.rawBytes(api.paths.body(d.id)));
  return text === null ? { reason: 'It is binary' } : editable(text);
}

// resign is the question whether to sign again, as a menu; choose gets the
// answer as the API takes it. What can be done comes first.
export function resign({ refused, can_sign: can, secret, why }, choose) {
  const again = { key: 's', name: 'Sign again', hint: `as the provider would sign it now${secret ? `, with ${secret}` : ''}`, reason: can ? '' : why || 'It can’t be signed here.', run: () => choose('again') };
  const same = { key: 'a', name: 'Keep the old signature', hint: 'the one that it came with', run: () => choose('as received') };
  return { title: 'The signature would be refused', text: `${refused[0].toUpperCase()}${refused.slice(1)}${refused.endsWith('.') ? '' : '.'}`, entries: can ? [again, same] : [same, again] };
}

export function Edit({ d, attempts, onForecast, onSend, onClose }) {
  const firstTo = attempts.length ? attempts[0].url : '';
  const before = editedHeader(d.header);
  const [to, setTo] = useState(firstTo);
  const [headers, setHeaders] = useState(headerText(before));
  const [body, setBody] = useState({ loading: true });
  const [text, setText] = useState('');
  const [error, setError] = useState('');
  const [sending, setSending] = useState(false);
  const [question, setQuestion] = useState(null); // about the signature, with what is to be sent
  const form = useRef();
  useEffect(() => {
    load(d).then((b) => {
      setBody(b);
      setText(b.text ?? '');
      requestAnimationFrame(() => {
        const field = form.current?.querySelector('#edit-body');
        field?.focus();
        field?.setSelectionRange(0, 0);
      });
    }, (err) => setBody({ reason: err.message }));
  }, [d.id]);

  const built = () => {
    const request = {};
    const changes = headerChanges(before, headers);
    if (to.trim() !== firstTo) request.to = to.trim();
    if (Object.keys(changes).length) request.headers = changes;
    if (!body.reason && text !== body.text) request.body = body.restore(text);
    return request;
  };
  const send = async (signing) => {
    if (sending || body.loading) return;
    setError('');
    try {
      const request = built();
      setSending(true);
      const asked = signing ? null : await onForecast(request);
      if (asked) {
        setQuestion(asked);
        setSending(false);
        return;
      }
      await onSend(signing ? { ...request, signing } : request);
      onClose();
    } catch (err) {
      setError(err.message);
      setSending(false);
    }
  };
  const names = Object.keys(d.header).filter((name) => signatures.test(name));
  const signed = names.find((name) => /256$/.test(name)) || names[0]; // GitHub's SHA-1 stands beside the one that counts
  const onKeyDown = (event) => {
    if (event.key === 'Enter' && (event.ctrlKey || event.metaKey)) {
      event.preventDefault();
      send();
    }
    event.stopPropagation();
  };
  return html`<${Dialog} title=${`Edit & replay #${d.id}`} className="edit" first="#edit-to" onClose=${onClose} onKeyDown=${onKeyDown}>
    <form ref=${form} onSubmit=${(e) => { e.preventDefault(); send(); }}>
      <label>Send to <input id="edit-to" class="code" value=${to} onInput=${(e) => setTo(e.target.value)} spellcheck=${false} autocomplete="off"
        placeholder="a port, host:port or URL; empty for the handler" /></label>
      <label>Headers, one a line <textarea id="edit-headers" class="code" rows="7" spellcheck=${false} value=${headers} onInput=${(e) => setHeaders(e.target.value)}></textarea></label>
      ${body.reason
        ? html`<p class="reason" id="edit-reason">The body can’t be edited here. ${body.reason}; it is sent as it is.</p>`
        : html`<label>Body <textarea id="edit-body" class="code wraps" rows="14" spellcheck=${false} disabled=${body.loading} value=${text} onInput=${(e) => setText(e.target.value)}></textarea></label>`}
      ${signed && html`<p class="hint" id="edit-signed">The signature in ${signed} is of the body as it came. ${d.secret
        ? 'Before an edited one is sent, hookloop asks whether to sign it again.' : 'A handler that checks it will refuse an edited one.'}</p>`}
      ${error && html`<p class="reason bad" role="alert">${error}</p>`}
      <div class="dialog-foot"><span class="hint"><kbd>ctrl</kbd> <kbd>enter</kbd> sends</span>
        <button type="button" onClick=${onClose}>Cancel</button><button type="submit" class="primary" id="edit-send" disabled=${sending || body.loading}>${sending ? 'Sending …' : 'Send'}</button></div>
    </form>
  <//>
  ${question && html`<${Menu} ...${resign(question, send)} onClose=${() => setQuestion(null)} />`}`;
}
