// What can be done with the selected delivery and with the list.

import * as api from './api.js';
import { textOf } from './body.js';
import { copy } from './clipboard.js';
import { resign } from './edit.js';
import { visible } from './format.js';
import { choices, verdict } from './simulations.js';

// Actions run for one page; ui has say(text, tone), show(dialog) busy(id, on)
// showAttempts() and showSimulations().
export class Actions {
  constructor(model, ui) {
    this.model = model;
    this.ui = ui;
    this.got = null; // the delivery on show, with its attempts
  }

  // replayReason says why a delivery can't be replayed as it is; '' when it can.
  replayReason(d) {
    const { status } = this.model;
    if (status && !status.replay.possible) return status.replay.reason;
    if (d.truncated) return `It can't be replayed as it is: only the first ${d.stored} of its ${d.size} bytes were kept.`;
    return '';
  }

  // selected returns the selected delivery with its attempts, fetched if it is
  // not on show yet; null when there is none.
  async selected() {
    const { selected } = this.model;
    if (!selected || this.got?.delivery?.id === selected) return this.got;
    try {
      return await api.detail(selected);
    } catch (err) {
      this.ui.say(err.message, 'bad');
      return null;
    }
  }

  async replay() {
    const d = (await this.selected())?.delivery;
    if (!d) return;
    const reason = this.replayReason(d);
    if (reason) {
      this.ui.say(reason, 'bad');
      return;
    }
    await this.try(async () => {
      const question = await this.forecast(d.id, {});
      if (question) this.ui.show({ kind: 'menu', ...resign(question, (signing) => this.try(() => this.send(d.id, { signing }))) });
      else await this.send(d.id, {});
    });
  }

  // simulate asks what to rehearse with the selected delivery.
  async simulate() {
    const d = (await this.selected())?.delivery;
    if (!d) return;
    const reason = this.replayReason(d) || (d.handshake ? 'It is a handshake: choose a delivery of an event.' : '');
    if (reason) {
      this.ui.say(reason, 'bad');
      return;
    }
    const begin = (spec) => this.begin(d, spec);
    this.ui.show({
      kind: 'menu', title: `Simulate with #${d.id}`, entries: choices(d, this.related(d), {
        losing: this.model.status?.losing_acks, lose: () => this.try(async () => {
          await api.loseAcks(0);
          this.ui.say('The provider gets the handler’s answers again.');
        }),
        send: (spec) => this.try(() => begin(spec)),
        write: (line) => this.ui.show({ kind: 'line', title: `Simulate with #${d.id}`, label: 'hookloop simulate', line, onLine: (text) => begin({ line: text, deliveries: [d.id] }) }),
      }),
    });
  }

  // begin begins a simulation; its errors are the caller's to show.
  async begin(d, spec) {
    this.model.stopFollowing();
    const sim = await api.simulate(spec);
    if (sim.kind === 'lost-ack') this.ui.say('The next answers are lost: have the provider deliver.');
    else this.ui.say(sim.id ? `Simulation ${sim.id} begins.` : 'Nothing is held.');
    if (sim.delivery_id === d.id) this.ui.showSimulations();
  }

  // related are up to two deliveries of the same provider right before d, oldest first.
  related(d) {
    const at = this.model.index(d.id);
    if (at < 0) return [];
    const fit = (o) => o.provider === d.provider && !o.truncated && o.disposition !== 'refused' && !o.handshake;
    return this.model.rows.slice(at + 1, at + 101).filter(fit).slice(0, 2).map((o) => o.id).reverse();
  }

  stopSimulation(id) {
    return this.try(() => api.stopSimulation(id));
  }

  stepSimulation(id) {
    return this.try(() => api.stepSimulation(id));
  }

  // ended says what a simulation came to.
  ended(sim) {
    const [word, tone] = verdict(sim);
    this.ui.say(`Simulation ${sim.id} of #${sim.delivery_id}: ${word}`, { good: 'good', bad: 'bad' }[tone]);
  }

  // forecast returns what the server says of the signature when it would be
  // refused, else null: then there is nothing to ask.
  async forecast(id, request) {
    const answer = await api.forecast(id, request);
    return answer.refused ? answer : null;
  }

  // sameEvent lists all deliveries with an event ID.
  sameEvent(id) {
    this.model.setQuery(`event_id:"${id.replace(/["\\]/g, '\\$&')}"`);
  }

  // confirmUnverified asks again where it is not known who sent a handshake.
  confirmUnverified(d, why) {
    this.ui.show({
      kind: 'confirm', title: `Confirm #${d.id} all the same?`, yes: 'Confirm all the same', no: 'Cancel', tone: 'danger', text: visible(why),
      onYes: () => this.try(async () => this.ui.say((await api.confirm(d.id, true)).message, 'good')),
    });
  }

  confirm(d, title) {
    this.ui.show({
      kind: 'confirm', title: `Confirm #${d.id}?`, yes: 'Confirm', no: 'Cancel', tone: 'primary',
      text: `hookloop fetches ${d.about.confirm_url ? visible(d.about.confirm_url) : 'the address that the request names'}, once it is sure that it is one of ${visible(title)}’s. `
        + `${{ valid: 'The signature of the request is valid.', invalid: 'The signature of the request is NOT valid.' }[d.signature] || 'The signature of the request could not be checked.'} `
        + 'From then on deliveries come to this endpoint.',
      onYes: () => this.try(async () => {
        try {
          this.ui.say((await api.confirm(d.id)).message, 'good');
        } catch (err) {
          if (d.signature === 'invalid') throw err;
          this.confirmUnverified(d, err.message);
        }
      }),
    });
  }

  // send makes another attempt; its errors are the caller's to show.
  async send(id, request) {
    this.model.stopFollowing();
    this.ui.busy(id, true);
    this.ui.showAttempts();
    try {
      const a = await api.replay(id, request);
      const bad = Boolean(a.error) || a.response?.status >= 400;
      this.ui.say(`#${id}, attempt ${a.number}: ${a.error || a.response?.status || a.state}`, bad ? 'bad' : 'good');
    } finally {
      this.ui.busy(id, false);
    }
  }

  async edit() {
    this.model.stopFollowing();
    const got = await this.selected();
    const { status } = this.model;
    if (status && !status.replay.possible) this.ui.say(status.replay.reason, 'bad');
    else if (got?.delivery) this.ui.show({ kind: 'edit', got });
  }

  async pin() {
    const d = (await this.selected())?.delivery;
    if (!d) return;
    await this.try(async () => {
      await api.pin(d.id, !d.pinned);
      this.ui.say(d.pinned ? `#${d.id} is no longer pinned.` : `#${d.id} is pinned: retention keeps it.`);
    });
  }

  async try(what) {
    try {
      await what();
    } catch (err) {
      this.ui.say(err.message, 'bad');
    }
  }

  async copyMenu() {
    const d = (await this.selected())?.delivery;
    if (!d) return;
    const { say } = this.ui;
    this.ui.show({
      kind: 'menu', title: `Copy from #${d.id}`, entries: [
        { key: 'c', name: 'curl command', hint: 'sends the same bytes', run: () => this.try(async () => copy(await api.curl(d.id), 'the curl command', say)) },
        { key: 'b', name: 'Body', reason: d.text ? '' : 'It is binary or compressed: download it instead.', run: () => this.try(async () => copy(textOf(await api.rawBytes(api.paths.body(d.id))), 'the body', say)) },
        { key: 'u', name: 'URL', hint: d.url, run: () => copy(d.url, 'the URL', say) },
        { key: 'i', name: 'Id', hint: String(d.id), run: () => copy(String(d.id), 'the id', say) },
      ],
    });
  }

  async exportMenu() {
    const d = (await this.selected())?.delivery;
    const { query } = this.model;
    const all = query ? 'all that match the filter' : 'all deliveries';
    const one = d ? [
      { key: 'h', name: `HAR of #${d.id}`, hint: 'for other tools', run: () => api.save(api.paths.export('har', { id: d.id })) },
      { key: 'b', name: `Body of #${d.id}`, hint: 'exact bytes', run: () => api.save(`${api.paths.body(d.id)}?download=1`) },
    ] : [];
    this.ui.show({
      kind: 'menu', title: 'Export', entries: [
        ...one,
        { key: 'H', name: 'HAR of the list', hint: all, run: () => api.save(api.paths.export('har', { q: query })) },
        { key: 'J', name: 'JSON lines of the list', hint: all, run: () => api.save(api.paths.export('jsonl', { q: query })) },
        { key: 'T', name: 'Table of the list (CSV)', hint: 'for spreadsheets', run: () => api.save(api.paths.export('csv', { q: query })) },
        { key: 'C', name: 'curl commands of the list', hint: all, run: () => api.save(api.paths.export('curl', { q: query })) },
      ],
    });
  }

  async more() {
    const d = (await this.selected())?.delivery;
    if (!d) return;
    this.ui.show({
      kind: 'menu', title: `Delivery #${d.id}`, entries: [
        { key: 'm', name: d.pinned ? 'Unpin' : 'Pin', hint: 'a pinned delivery is kept by retention', run: () => this.pin() },
        { key: 'd', name: 'Remove …', tone: 'danger', hint: 'with its attempts, for good', run: () => this.remove() },
      ],
    });
  }

  async remove() {
    const d = (await this.selected())?.delivery;
    if (!d) return;
    this.ui.show({
      kind: 'confirm', title: `Remove #${d.id}?`, text: `${d.method} ${d.path} and its attempts are gone for good.`, yes: 'Remove',
      onYes: () => this.try(async () => {
        await api.remove(d.id);
        this.ui.say(`#${d.id} was removed.`);
      }),
    });
  }
}
