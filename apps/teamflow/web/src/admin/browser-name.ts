// Each pretends to be those after it, so the order matters.
const browsers = [
  ['Edge', /Edg\//],
  ['Opera', /OPR\//],
  ['Firefox', /Firefox\//],
  ['Chrome', /Chrom(?:e|ium)\//],
  ['Safari', /Safari\//],
] as const;
const systems = [
  ['Android', /Android/],
  ['iPhone or iPad', /iPhone|iPad/],
  ['Windows', /Windows/],
  ['macOS', /Mac OS X/],
  ['Linux', /Linux/],
] as const;

/** A browser and its system by what it calls itself: "Firefox on Linux". */
export function browserOf(userAgent: string | null): string {
  if (userAgent === null || userAgent === '') return 'Not known';
  const browser = browsers.find(([, mark]) => mark.test(userAgent))?.[0];
  const system = systems.find(([, mark]) => mark.test(userAgent))?.[0];
  // A program of its own names itself at the start.
  if (browser === undefined) return userAgent.split(/[\s/]/, 1)[0]?.slice(0, 40) ?? 'Not known';
  return system === undefined ? browser : `${browser} on ${system}`;
}
