const tokens = new Map<string, string>();

/** Forgets the colours that were read: the scheme has changed. */
export function forgetTokens(): void {
  tokens.clear();
}

/** A design token's value. Read once per scheme: computed styles are slow to ask for on every draw. */
export function token(name: string): string {
  const known = tokens.get(name);
  if (known !== undefined) return known;
  const value = getComputedStyle(document.documentElement).getPropertyValue(name).trim();
  tokens.set(name, value);
  return value;
}

/** A font for canvases, of a size in pixels of the canvas. */
export function axisFont(px: number): string {
  return `${px}px ${token('--font-text')}`;
}
