// Sets the colour scheme before the page is painted: the remembered choice, else the system's.
(() => {
  let chosen = null;
  try {
    chosen = localStorage.getItem('teamflow-color-scheme');
  } catch {
    // Storage is refused in some private modes: the system's scheme is right then.
  }
  const dark = chosen === 'dark' || (chosen !== 'light' && matchMedia('(prefers-color-scheme: dark)').matches);
  document.documentElement.setAttribute('data-mantine-color-scheme', dark ? 'dark' : 'light');
})();
