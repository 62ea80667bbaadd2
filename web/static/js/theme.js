// Sets the theme before the first paint. It is not a module, so that nothing
// is drawn before it ran; window.hookloopTheme is what the toggle calls.
(() => {
  const themes = ['auto', 'light', 'dark'];
  const read = () => {
    try {
      const theme = localStorage.getItem('hookloop-theme');
      return themes.includes(theme) ? theme : 'auto';
    } catch {
      return 'auto'; // storage is switched off
    }
  };
  const set = (theme) => {
    document.documentElement.dataset.theme = theme;
    try {
      localStorage.setItem('hookloop-theme', theme);
    } catch { /* it lasts as long as the page */ }
    return theme;
  };
  document.documentElement.dataset.theme = read();
  window.hookloopTheme = {
    now: () => document.documentElement.dataset.theme,
    next: () => set(themes[(themes.indexOf(document.documentElement.dataset.theme) + 1) % themes.length]),
  };
})();
