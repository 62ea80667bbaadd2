// Copying. say(text, tone) tells how it went.

export async function copy(text, what, say) {
  try {
    if (navigator.clipboard) await navigator.clipboard.writeText(text);
    else copyOld(text); // a page that is not on this machine and has no TLS
    say(`Copied ${what}.`);
  } catch {
    say(`The browser did not let us copy ${what}; select it and copy it by hand.`, 'bad');
  }
}

function copyOld(text) {
  const area = document.createElement('textarea');
  area.value = text;
  document.body.append(area);
  area.select();
  const done = document.execCommand('copy');
  area.remove();
  if (!done) throw new Error('refused');
}
