import type { Origin, StatementText, Window } from '../../contract/series.ts';
import type { Appended } from '../ports.ts';
import { appendStatementTexts } from './statement-texts.ts';
import { type PoolMaker, StoreConnection } from './store-connection.ts';
import { WindowWriter } from './window-writer.ts';

/** An agent hands over a window every ten seconds: what takes longer than this is better tried again. */
const STATEMENT_TIMEOUT_MS = 5_000;
const CONNECT_TIMEOUT_MS = 3_000;

/**
 * The store as an agent has it: it writes over one connection, needs no right but to call the two functions, and loads no
 * driver of its own. Every method throws AutopilotError with a code AP_STORE_... and a remedy.
 */
export class AgentStore {
  readonly #connection: StoreConnection;
  readonly #writer: WindowWriter;

  /** `makePool` adds where the server is, and who asks. */
  constructor(makePool: PoolMaker) {
    this.#connection = new StoreConnection(makePool, {
      maxConnections: 1,
      statementTimeoutMs: STATEMENT_TIMEOUT_MS,
      connectTimeoutMs: CONNECT_TIMEOUT_MS,
    });
    this.#writer = new WindowWriter(this.#connection, null);
  }

  /** What throws is to be handed in again, unchanged; what was stored is then known. */
  append(origin: Origin, windows: readonly Window[]): Promise<Appended> {
    return this.#writer.append(origin, windows);
  }

  appendTexts(service: string, texts: readonly StatementText[]): Promise<void> {
    return appendStatementTexts(this.#connection, service, texts);
  }

  /** Waits for what is running. May be called again. */
  close(): Promise<void> {
    return this.#connection.close();
  }
}
