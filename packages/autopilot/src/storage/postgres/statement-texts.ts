import type { StatementText } from '../../contract/series.ts';
import type { StatementName } from '../ports.ts';
import { seriesIdOf, storableName } from './series-id.ts';
import type { StoreConnection } from './store-connection.ts';

/** Longer texts are cut: nobody reads them, and the agent cuts them there too. */
const MAX_TEXT_LENGTH = 16_384;
/** Texts in one call. */
const TEXTS_PER_CALL = 200;

/** A statement's text lies beside its series, under the same number. */
function numberOf(service: string, { database, id }: StatementName): number {
  const key = { family: 'statement', key: storableName(id), database: storableName(database), route: null } as const;
  return seriesIdOf(storableName(service), key, false);
}

/** Hands texts over; those that are stored already stay as they are. Throws as storeError says. */
export async function appendStatementTexts(
  connection: StoreConnection,
  service: string,
  texts: readonly StatementText[],
): Promise<void> {
  for (let at = 0; at < texts.length; at += TEXTS_PER_CALL) {
    const some = texts.slice(at, at + TEXTS_PER_CALL);
    await connection.query(
      `Writing the texts of ${some.length} statements`,
      'SELECT autopilot.append_statement_texts_v1($1, $2)',
      [
        some.map((one) => numberOf(service, one)),
        some.map(({ text }) => text.slice(0, MAX_TEXT_LENGTH).replaceAll('\u0000', '\ufffd')),
      ],
    );
  }
}

/** Reads texts back, for the control plane. */
export class StatementTextReader {
  readonly #connection: StoreConnection;

  constructor(connection: StoreConnection) {
    this.#connection = connection;
  }

  /** Those that are kept, in no particular order. */
  async read(service: string, names: readonly StatementName[]): Promise<readonly StatementText[]> {
    const byNumber = new Map(names.map((name) => [numberOf(service, name), name]));
    const rows = await this.#connection.query<{ series_id: number; text: string }>(
      'Reading the texts of statements',
      'SELECT series_id, text FROM autopilot.statement_texts WHERE series_id = ANY ($1)',
      [[...byNumber.keys()]],
    );
    return rows.flatMap(({ series_id: number, text }): StatementText[] => {
      const name = byNumber.get(number);
      return name === undefined ? [] : [{ id: name.id, database: name.database, text }];
    });
  }
}
