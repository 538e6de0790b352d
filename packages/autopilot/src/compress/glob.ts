/**
 * A test for texts that match any of the patterns: `*` stands for anything but "/", `**` for anything at all; the rest is
 * taken literally, its case included. Made once for a list of settings; its time is linear in the length of the text for
 * patterns with one star, which most have.
 */
export function globTest(patterns: readonly string[]): (text: string) => boolean {
  if (patterns.length === 0) return () => false;
  const source = patterns.map((pattern) =>
    pattern
      .split(/(\*+)/)
      .map((part) =>
        part === '*' ? '[^/]*' : part.startsWith('**') ? '.*' : part.replaceAll(/[.+?^${}()|[\]\\]/g, '\\$&'),
      )
      .join(''),
  );
  const test = new RegExp(`^(?:${source.join('|')})$`);
  return (text) => test.test(text);
}
