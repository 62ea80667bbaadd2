// A JSON reader that keeps what JSON.parse loses: the order of keys, duplicate
// keys, and every digit of a number. It knows where values begin and end in
// the text, and reads the members of a container only when they are asked for.

const digits = /-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?/y;
const hex4 = /[0-9a-fA-F]{4}/y;

function space(text, i) {
  for (;; i++) {
    const c = text.charCodeAt(i);
    if (c !== 32 && c !== 10 && c !== 13 && c !== 9) return i;
  }
}

// string returns the end of the string that begins at i; -1 when it is none.
function string(text, i) {
  for (i++; ; i++) {
    const c = text.charCodeAt(i);
    if (c === 34) return i + 1;
    if (c === 92) {
      const e = text[++i];
      if (e === 'u') {
        hex4.lastIndex = i + 1;
        if (!hex4.test(text)) return -1;
        i += 4;
      } else if (!e || !'"\\/bfnrt'.includes(e)) return -1;
    } else if (!(c >= 32)) return -1; // a control, or the end
  }
}

// scalar returns the end of the string, number or word at i; -1 for none.
function scalar(text, i) {
  const c = text[i];
  if (c === '"') return string(text, i);
  for (const word of ['true', 'false', 'null']) if (text.startsWith(word, i)) return i + word.length;
  digits.lastIndex = i;
  return digits.test(text) ? digits.lastIndex : -1;
}

// parse returns the node of the whole text, or null when it is not JSON. It
// reads the text once and needs no stack of its own size.
export function parse(text) {
  const begin = space(text, text.charCodeAt(0) === 0xfeff ? 1 : 0);
  const closers = []; // of the containers we are in
  let i = begin;
  for (;;) { // a value begins at i
    const c = text[i];
    let ended = true;
    if (c === '{' || c === '[') {
      const close = c === '{' ? '}' : ']';
      i = space(text, i + 1);
      if (text[i] === close) i++;
      else {
        closers.push(close);
        ended = false;
      }
    } else if ((i = scalar(text, i)) < 0) return null;
    while (ended && closers.length) { // what comes after a value
      i = space(text, i);
      if (text[i] === ',') {
        i = space(text, i + 1);
        ended = false;
      } else if (text[i] === closers[closers.length - 1]) {
        closers.pop();
        i++;
      } else return null;
    }
    if (!closers.length) return space(text, i) >= text.length ? node(text, begin, i, skip(text, begin)[1]) : null;
    if (closers[closers.length - 1] === '}') { // a key comes before the value
      if (text[i] !== '"' || (i = string(text, i)) < 0) return null;
      i = space(text, i);
      if (text[i] !== ':') return null;
      i = space(text, i + 1);
    }
  }
}

const types = { '{': 'object', '[': 'array', '"': 'string', t: 'boolean', f: 'boolean', n: 'null' };

function node(text, start, end, count = -1, key = null) {
  return { type: types[text[start]] || 'number', start, end, count, key };
}

// skip returns the end of the value at i of a valid text, and, for a
// container, how many members it has.
function skip(text, i) {
  if (text[i] !== '{' && text[i] !== '[') return [scalar(text, i), -1];
  let depth = 0;
  let commas = 0;
  const empty = /[\]}]/.test(text[space(text, i + 1)]);
  for (; ; i++) {
    const c = text.charCodeAt(i);
    if (c === 34) i = string(text, i) - 1;
    else if (c === 123 || c === 91) depth++;
    else if (c === 44 && depth === 1) commas++;
    else if ((c === 125 || c === 93) && --depth === 0) return [i + 1, empty ? 0 : commas + 1];
  }
}

// members returns up to limit members of a container, from the place where an
// earlier call stopped; next is 0 when there are no more. A member's key is
// the literal as it stands in the text, null in an array.
export function members(text, parent, from = 0, limit = 1000) {
  const list = [];
  let i = space(text, from || parent.start + 1);
  while (i < parent.end - 1) {
    if (list.length === limit) return { list, next: i };
    let key = null;
    if (parent.type === 'object') {
      const end = string(text, i);
      key = text.slice(i, end);
      i = space(text, space(text, end) + 1);
    }
    const [end, count] = skip(text, i);
    list.push(node(text, i, end, count, key));
    i = space(text, end);
    if (text[i] === ',') i = space(text, i + 1);
  }
  return { list, next: 0 };
}

// literal returns a string's text for display, at most max characters of it;
// the quotes stay, escapes of printable characters are undone.
export function literal(text, { start, end }, max = 600) {
  let raw = text.slice(start, Math.min(end, start + max));
  const cut = end - start > max;
  for (let back = 0; back < 8; back++) {
    try {
      const value = JSON.parse(cut ? `${raw}"` : raw);
      const shown = value.replace(/[\\"\n\r\t]/g, (c) => ({ '\\': '\\\\', '"': '\\"', '\n': '\\n', '\r': '\\r', '\t': '\\t' }[c]));
      return cut ? `"${shown}…` : `"${shown}"`;
    } catch {
      raw = raw.slice(0, -1); // an escape was cut
    }
  }
  return raw;
}
