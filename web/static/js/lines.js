// A text in lines of a screen's width, and bytes as a hex dump. Both are an
// index first, and text only for the rows that are drawn.

// wide reports whether a character takes two columns.
const wide = (c) => c >= 0x1100 && (c <= 0x115f || (c >= 0x2e80 && c <= 0xa4cf) || (c >= 0xac00 && c <= 0xd7a3)
  || (c >= 0xf900 && c <= 0xfaff) || (c >= 0xfe30 && c <= 0xfe6f) || (c >= 0xff00 && c <= 0xff60) || (c >= 0xd83c && c <= 0xd83e));

// wrap returns where each row of text begins, at most max of them, each
// no wider than columns.
export function wrap(text, columns, max) {
  const starts = [0];
  let width = 0;
  for (let i = 0; i < text.length && starts.length <= max; i++) {
    const c = text.charCodeAt(i);
    if (c === 10) {
      starts.push(i + 1);
      width = 0;
      continue;
    }
    if (c >= 0xdc00 && c <= 0xdfff) continue; // the second half of a pair
    const w = c === 9 ? 8 - (width % 8) : wide(c) ? 2 : 1;
    if (width + w > columns) {
      starts.push(i);
      width = 0;
    }
    width += w;
  }
  return starts;
}

export function line(text, starts, i) {
  const end = i + 1 < starts.length ? starts[i + 1] : text.length;
  const row = text.slice(starts[i], end);
  return row.endsWith('\r\n') ? row.slice(0, -2) : row.endsWith('\n') ? row.slice(0, -1) : row;
}

const hex = Array.from({ length: 256 }, (_, i) => i.toString(16).padStart(2, '0'));

// hexRow returns offset, hex and characters of row i.
export function hexRow(bytes, i, per) {
  const from = i * per;
  let digits = '';
  let chars = '';
  for (let j = from; j < from + per; j++) {
    if (j > from && (j - from) % 8 === 0) digits += ' ';
    if (j >= bytes.length) {
      digits += '   ';
      continue;
    }
    const b = bytes[j];
    digits += `${hex[b]} `;
    chars += b >= 32 && b < 127 ? String.fromCharCode(b) : '·';
  }
  return [from.toString(16).padStart(8, '0'), digits, chars];
}
