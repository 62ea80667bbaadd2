// What the page knows, apart from the DOM. The rules are:
//
//   - rows are summaries, newest first, each id once, without gaps down to the
//     oldest one loaded. Older ones are loaded when they come near.
//   - A frame may be older than a list that arrived before it. That mends
//     itself: what happened in between comes in a later frame.
//   - The page does not know the search language. With a query, a frame only
//     updates the rows it knows, and the newest are listed again soon after.
//   - following: the newest row is the selected one. Moving ends it.

import * as api from './api.js';
import { Live } from './live.js';

const pageSize = 200;
const relistEvery = 400; // ms, with a query

export class Model {
  constructor(changed) {
    let due = false;
    this.changed = () => { // draw once, however much happens before the next frame
      if (due) return;
      due = true;
      const draw = () => {
        due = false;
        changed();
      };
      if (document.hidden) setTimeout(draw, 200);
      else requestAnimationFrame(draw);
    };
    this.rows = [];
    this.more = false; // there are older ones
    this.loaded = false;
    this.loading = false;
    this.query = '';
    this.queryError = '';
    this.selected = 0; // an id; 0 = none
    this.following = true;
    this.fresh = 0; // rows that came in above since following ended
    this.counters = null;
    this.status = null;
    this.verdicts = new Map(); // what the latest simulation of a delivery came to, by id
    this.onVerdict = () => {}; // a simulation that was seen running has ended
    this.connection = 'connecting'; // online, offline, locked
    this.seen = 0; // revision of the last frame, for what depends on it
    this.generation = 0; // of the list; an answer for an older one is dropped
    this.relistTimer = 0;
    this.live = new Live({ frame: (f) => this.frame(f), state: (s) => this.setConnection(s) });
  }

  async start(query, selected) {
    this.query = query;
    if (selected) {
      this.selected = selected;
      this.following = false;
    }
    const rev = await this.reload();
    this.live.start(rev);
  }

  setConnection(state) {
    if (this.connection === state) return;
    this.connection = state;
    this.changed();
  }

  // reload lists from the newest on and forgets the rest. It returns the
  // revision of the list; undefined when that failed.
  async reload() {
    const generation = ++this.generation;
    this.loading = true;
    this.changed();
    try {
      const page = await api.list({ q: this.query, limit: pageSize });
      if (generation !== this.generation) return undefined;
      this.rows = page.deliveries;
      this.more = page.more;
      this.queryError = '';
      this.loaded = true;
      this.fresh = 0;
      if (this.following || !this.selected) this.selectNewest();
      if (page.rev < this.seen) this.relistSoon(); // a frame overtook the list
      return page.rev;
    } catch (err) {
      if (generation === this.generation) this.listFailed(err);
      return undefined;
    } finally {
      if (generation === this.generation) this.loading = false;
      this.changed();
    }
  }

  listFailed(err) {
    if (err.status === 400) {
      this.queryError = err.message;
      return;
    }
    this.connection = err.status === 401 ? 'locked' : 'offline';
  }

  async setQuery(query) {
    if (query === this.query && !this.queryError) return;
    this.query = query;
    this.following = true;
    await this.reload();
  }

  // older loads the next page; count may ask for more than usual.
  async older(count = pageSize) {
    if (!this.more || this.loading || !this.rows.length) return;
    const generation = this.generation;
    this.loading = true;
    try {
      const page = await api.list({ q: this.query, before: this.rows[this.rows.length - 1].id, limit: count });
      if (generation !== this.generation) return;
      const last = this.rows.length ? this.rows[this.rows.length - 1].id : Infinity;
      this.rows = this.rows.concat(page.deliveries.filter((d) => d.id < last));
      this.more = page.more;
    } catch (err) {
      this.listFailed(err);
    } finally {
      if (generation === this.generation) this.loading = false;
      this.changed();
    }
  }

  // toOldest loads up to 20,000 more rows and selects the last one.
  async toOldest() {
    this.stopFollowing();
    for (let i = 0; i < 20 && this.more && this.connection !== 'offline'; i++) {
      const before = this.rows.length;
      await this.older(1000);
      if (this.rows.length === before) break;
    }
    this.select(this.rows.length - 1);
  }

  frame(frame) {
    if (frame.counters) this.counters = frame.counters;
    if (frame.status) this.status = frame.status;
    this.seen = frame.rev;
    if (frame.reset) this.verdicts.clear();
    for (const sim of frame.simulations || []) this.rehearsed(sim);
    if (frame.reset) {
      api.forget();
      this.reload();
    } else {
      if (frame.removed?.length) this.drop(new Set(frame.removed));
      if (frame.deliveries?.length) this.merge(frame.deliveries);
    }
    this.changed();
  }

  rehearsed(sim) {
    const known = this.verdicts.get(sim.delivery_id);
    for (const id of [sim.delivery_id, ...sim.deliveries]) {
      if (!(this.verdicts.get(id)?.id > sim.id)) this.verdicts.set(id, sim);
    }
    if (known?.id === sim.id && known.state === 'running' && sim.state !== 'running') this.onVerdict(sim);
  }

  // index returns where the row of id is, or -1 - where it would be.
  index(id) {
    let low = 0;
    let high = this.rows.length;
    while (low < high) {
      const mid = (low + high) >> 1;
      if (this.rows[mid].id > id) low = mid + 1;
      else high = mid;
    }
    return this.rows[low]?.id === id ? low : -1 - low;
  }

  // merge takes summaries by ascending id.
  merge(summaries) {
    const added = [];
    for (const s of summaries) {
      const at = this.index(s.id);
      if (at >= 0) this.rows[at] = s;
      else if (at === -1) added.push(s); // newer than all
      else if (!this.query && (!this.more || -1 - at < this.rows.length)) this.rows.splice(-1 - at, 0, s);
    }
    if (this.query) {
      this.relistSoon();
      return;
    }
    if (!added.length) return;
    this.rows = added.reverse().concat(this.rows);
    if (this.following) this.selectNewest();
    else this.fresh += added.length;
  }

  drop(ids) {
    for (const id of ids) this.verdicts.delete(id);
    const at = this.selected && ids.has(this.selected) ? this.index(this.selected) : -1;
    this.rows = this.rows.filter((d) => !ids.has(d.id));
    if (this.following || !this.rows.length) this.selectNewest();
    else if (at >= 0) this.selected = this.rows[Math.min(at, this.rows.length - 1)].id;
  }

  relistSoon() {
    if (!this.relistTimer && !this.queryError) this.relistTimer = setTimeout(() => this.relist(), relistEvery);
  }

  // relist lists the newest again and joins them with the rows.
  async relist() {
    this.relistTimer = 0;
    const generation = this.generation;
    try {
      const page = await api.list({ q: this.query, limit: pageSize });
      if (generation !== this.generation) return;
      const end = page.deliveries.length ? page.deliveries[page.deliveries.length - 1].id : 0;
      const newest = this.rows[0]?.id ?? 0;
      const fresh = page.deliveries.filter((d) => d.id > newest).length;
      page.deliveries.forEach((d, i) => { // one that did not change stays the same object
        const old = this.rows[this.index(d.id)];
        if (old && JSON.stringify(old) === JSON.stringify(d)) page.deliveries[i] = old;
      });
      const older = page.more ? this.rows.filter((d) => d.id < end) : [];
      if (page.more && !older.length) this.more = true;
      this.rows = page.deliveries.concat(older);
      if (!page.more) this.more = false;
      if (this.following) this.selectNewest();
      else this.fresh += fresh;
      if (page.rev < this.seen) this.relistSoon();
    } catch (err) {
      this.listFailed(err);
    } finally {
      this.changed();
    }
  }

  selectNewest() {
    this.selected = this.rows.length ? this.rows[0].id : 0;
    this.fresh = 0;
  }

  // select moves to a row by hand, which ends following.
  select(index) {
    const row = this.rows[Math.max(0, Math.min(index, this.rows.length - 1))];
    if (!row) return;
    this.stopFollowing();
    this.selected = row.id;
    if (index >= this.rows.length - 20) this.older();
    this.changed();
  }

  openID(id) {
    this.stopFollowing();
    this.selected = id;
    this.changed();
  }

  move(by) {
    const at = this.index(this.selected);
    this.select((at < 0 ? -1 - at : at) + by);
  }

  follow() {
    this.following = true;
    this.selectNewest();
    this.changed();
  }

  stopFollowing() {
    if (!this.following) return;
    this.following = false;
    this.changed();
  }

  get summary() {
    const at = this.index(this.selected);
    return at >= 0 ? this.rows[at] : null;
  }
}
