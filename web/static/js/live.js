// The live socket of the page. It comes back by itself with a growing pause,
// and asks for what changed since the last frame it got.

import * as api from './api.js';

const pauses = [250, 500, 1000, 2000, 4000]; // ms; the last one for ever

export class Live {
  // on.frame(frame), on.state('online' | 'offline' | 'locked')
  constructor(on) {
    this.on = on;
    this.rev = undefined;
    this.failures = 0;
    this.timer = 0;
    addEventListener('online', () => this.hurry());
    document.addEventListener('visibilitychange', () => document.hidden || this.hurry());
  }

  // start follows from a revision; undefined: from now on.
  start(rev) {
    this.rev = rev;
    this.connect();
  }

  connect() {
    this.timer = 0;
    const scheme = location.protocol === 'https:' ? 'wss' : 'ws';
    const socket = new WebSocket(`${scheme}://${location.host}/api/v1/live${this.rev === undefined ? '' : `?since=${this.rev}`}`);
    socket.onmessage = (event) => {
      const frame = JSON.parse(event.data);
      this.rev = frame.rev;
      this.failures = 0;
      this.on.state('online');
      this.on.frame(frame);
    };
    socket.onclose = () => {
      this.on.state('offline');
      this.lost();
    };
  }

  lost() {
    const pause = pauses[Math.min(this.failures++, pauses.length - 1)];
    this.timer = setTimeout(() => this.retry(), pause * (0.8 + 0.4 * Math.random()));
  }

  // retry finds out first whether the token is still good: a socket that is
  // refused does not say why.
  async retry() {
    this.timer = -1;
    try {
      await api.status();
    } catch (err) {
      this.on.state(err.status === 401 ? 'locked' : 'offline');
      this.lost();
      return;
    }
    this.connect();
  }

  hurry() {
    if (this.timer > 0) {
      clearTimeout(this.timer);
      this.retry();
    }
  }
}
