import type { DatabaseSequence } from '../contract/database.ts';
import { APPLICATION_SCHEMAS } from './application-schemas.ts';
import type { ObservedDatabase } from './observed-database.ts';
import { type Reading, readOr } from './reading.ts';

interface SequenceRow {
  readonly [column: string]: unknown;
  readonly schema: string;
  readonly sequence: string;
  readonly column: string | null;
  readonly last_value: number | null;
  readonly max_value: number;
  readonly readable: boolean;
}

/** Sequences that were used, nearest to their end first. Its last value is seen by those who may use or read a sequence. */
export async function readSequences(
  database: ObservedDatabase,
  role: string,
): Promise<Reading<readonly DatabaseSequence[]>> {
  const remedy = `GRANT SELECT ON ALL SEQUENCES IN SCHEMA public TO ${role};`;
  const { value: rows, gaps } = await readOr<SequenceRow[]>({ reading: 'sequences', rightRemedy: remedy }, [], () =>
    database.read<SequenceRow>(
      `SELECT n.nspname::text AS schema, c.relname::text AS sequence, d.column AS column,
         CASE WHEN has_sequence_privilege(c.oid, 'SELECT, USAGE') THEN pg_sequence_last_value(c.oid)::float8 END AS last_value,
         least(s.seqmax, CASE d.type WHEN 'int4'::regtype THEN 2147483647 WHEN 'int2'::regtype THEN 32767 END)::float8 AS max_value,
         has_sequence_privilege(c.oid, 'SELECT, USAGE') AS readable
       FROM pg_sequence s JOIN pg_class c ON c.oid = s.seqrelid JOIN pg_namespace n ON n.oid = c.relnamespace
       LEFT JOIN LATERAL (
         SELECT tn.nspname || '.' || t.relname || '.' || a.attname AS column, a.atttypid AS type
         FROM pg_depend p JOIN pg_class t ON t.oid = p.refobjid JOIN pg_namespace tn ON tn.oid = t.relnamespace
         JOIN pg_attribute a ON a.attrelid = t.oid AND a.attnum = p.refobjsubid
         WHERE p.objid = c.oid AND p.classid = 'pg_class'::regclass AND p.refclassid = 'pg_class'::regclass AND p.deptype IN ('a', 'i')
         LIMIT 1) d ON true
       WHERE s.seqincrement > 0 AND NOT s.seqcycle AND ${APPLICATION_SCHEMAS}`,
    ),
  );
  const hidden = rows.filter(({ readable }) => !readable).length;
  const used = rows.flatMap(({ schema, sequence, column, last_value, max_value }): DatabaseSequence[] =>
    last_value === null
      ? []
      : [{ schema, sequence, column, lastValue: last_value, maxValue: max_value, usedRatio: last_value / max_value }],
  );
  return {
    value: used.sort((a, b) => b.usedRatio - a.usedRatio),
    gaps:
      hidden === 0
        ? gaps
        : [
            ...gaps,
            {
              reading: 'sequences',
              cause: 'right',
              reason: `How far ${hidden} of ${rows.length} sequences are used up is not for ${role} to see.`,
              remedy,
            },
          ],
  };
}
