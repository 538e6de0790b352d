/** What metrics can be exposed as. */
export type ExpositionFormat = 'text' | 'openmetrics' | 'protobuf';

/** The formats' media types, as answers name them. */
export const expositionTypes: Readonly<Record<ExpositionFormat, string>> = {
  text: 'text/plain; version=0.0.4; charset=utf-8',
  openmetrics: 'application/openmetrics-text; version=1.0.0; charset=utf-8',
  protobuf: 'application/vnd.google.protobuf; proto=io.prometheus.client.MetricFamily; encoding=delimited',
};

/** In the order that decides where the caller does not. */
const formats: readonly ExpositionFormat[] = ['text', 'openmetrics', 'protobuf'];

interface Range {
  readonly mediaType: string;
  readonly parameters: ReadonlyMap<string, string>;
  readonly q: number;
}

/**
 * The format that the caller accepts most (RFC 9110, section 12.5.1); of equally accepted ones the one that is named
 * first, before those that only a wildcard allows. Parameters count: a version that is not made is not offered. Without
 * a header it is the text format; null: nothing that can be made is accepted.
 */
export function acceptedFormat(accept: string | null): ExpositionFormat | null {
  const ranges = (accept ?? '').split(',').flatMap(rangeOf);
  if (ranges.length === 0) return 'text';
  let best: ExpositionFormat | null = null;
  let bestRank: readonly [q: number, earliness: number] = [0, 0];
  for (const format of formats) {
    const named = ranges.findIndex((range) => isMeant(range, format));
    const type = expositionTypes[format].split('/')[0];
    const wild = ranges.findLast(({ mediaType }) => mediaType === `${type}/*`) ?? ranges.findLast(isAny);
    const rank = [(ranges[named] ?? wild)?.q ?? 0, named < 0 ? -ranges.length : -named] as const;
    if (rank[0] > bestRank[0] || (rank[0] > 0 && rank[0] === bestRank[0] && rank[1] > bestRank[1])) {
      best = format;
      bestRank = rank;
    }
  }
  return best;
}

function isAny({ mediaType }: Range): boolean {
  return mediaType === '*/*';
}

function rangeOf(part: string): readonly Range[] {
  const [mediaType = '', ...rest] = part.split(';').map((piece) => piece.trim());
  if (!mediaType.includes('/')) return [];
  const parameters = new Map(
    rest.map((parameter) => {
      const [name = '', value = ''] = parameter.split('=');
      return [name.trim().toLowerCase(), value.trim().replace(/^"(.*)"$/, '$1')] as const;
    }),
  );
  const weight = parameters.get('q');
  const q = weight === undefined ? 1 : Number(weight);
  return [{ mediaType: mediaType.toLowerCase(), parameters, q: q >= 0 && q <= 1 ? q : 0 }];
}

function isMeant({ mediaType, parameters }: Range, format: ExpositionFormat): boolean {
  const version = parameters.get('version');
  switch (format) {
    case 'text':
      return mediaType === 'text/plain' && (version === undefined || version === '0.0.4');
    case 'openmetrics':
      // 0.0.1 is what Prometheus called the draft; the differences are none of what is written here.
      return mediaType === 'application/openmetrics-text' && [undefined, '1.0.0', '0.0.1'].includes(version);
    case 'protobuf':
      return (
        mediaType === 'application/vnd.google.protobuf' &&
        parameters.get('proto') === 'io.prometheus.client.MetricFamily' &&
        parameters.get('encoding') === 'delimited'
      );
  }
}
