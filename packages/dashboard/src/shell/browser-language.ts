// Chromium started in the POSIX locale calls its language "en-US@posix", which is no language tag: Intl throws on it,
// and uPlot asks Intl for it while it loads. Imported before everything else.
try {
  new Intl.NumberFormat(navigator.language);
} catch {
  Object.defineProperty(navigator, 'language', { value: 'en-US', configurable: true });
}
