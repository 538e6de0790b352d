/**
 * Which of the media types on offer the caller accepts most (RFC 9110, section 12.5.1): the one with the highest q, of
 * equal ones the first on offer. Without a header anything is accepted; null: nothing on offer is.
 */
export function acceptedMediaType<Offered extends string>(
  header: string | null,
  offered: readonly Offered[],
): Offered | null {
  const ranges = (header ?? '').split(',').flatMap((part) => rangeOf(part));
  if (ranges.length === 0) return offered[0] ?? null;
  let best: Offered | null = null;
  let highest = 0;
  for (const mediaType of offered) {
    const q = qualityOf(mediaType, ranges);
    if (q > highest) {
      best = mediaType;
      highest = q;
    }
  }
  return best;
}

interface Range {
  readonly type: string;
  readonly subtype: string;
  readonly q: number;
}

function rangeOf(part: string): readonly Range[] {
  const [range = '', ...parameters] = part.split(';').map((piece) => piece.trim().toLowerCase());
  const [type = '', subtype = ''] = range.split('/');
  if (type === '' || subtype === '') return [];
  const weight = parameters.find((parameter) => parameter.startsWith('q='))?.slice(2);
  const q = weight === undefined ? 1 : Number(weight);
  return [{ type, subtype, q: q >= 0 && q <= 1 ? q : 0 }];
}

/** The most specific range decides, whatever the others say. */
function qualityOf(mediaType: string, ranges: readonly Range[]): number {
  const [type, subtype] = mediaType.split('/');
  const exact = ranges.find((range) => range.type === type && range.subtype === subtype);
  const ofType = ranges.find((range) => range.type === type && range.subtype === '*');
  const any = ranges.find((range) => range.type === '*' && range.subtype === '*');
  return (exact ?? ofType ?? any)?.q ?? 0;
}
