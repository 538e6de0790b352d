import pg from 'pg';

const FIRST_RETRY_MS = 250;
const LONGEST_RETRY_MS = 10_000;

/**
 * Hears of new versions, and of tokens that were made or revoked, by LISTEN on a connection of its own, opened when somebody first watches. A connection that
 * breaks is made again, with growing pauses; what came meanwhile is unknown, so every new connection counts as a
 * change. Only control planes listen: behind a pooler in transaction mode nothing is heard, and polling has to do.
 */
export class ConfigListener {
  readonly #connectionString: string;
  readonly #watchers = new Set<() => void>();
  #client: pg.Client | null = null;
  #retry: NodeJS.Timeout | null = null;
  #failures = 0;
  #closed = false;

  constructor(connectionString: string) {
    this.#connectionString = connectionString;
  }

  watch(changed: () => void): Disposable {
    this.#watchers.add(changed);
    if (this.#client === null && this.#retry === null) this.#connect();
    return {
      [Symbol.dispose]: () => {
        this.#watchers.delete(changed);
      },
    };
  }

  async close(): Promise<void> {
    this.#closed = true;
    this.#watchers.clear();
    if (this.#retry !== null) clearTimeout(this.#retry);
    const client = this.#client;
    this.#client = null;
    // A connection that is broken has ended already.
    await client?.end().catch(() => {});
  }

  #connect(): void {
    if (this.#closed) return;
    const client = new pg.Client({
      connectionString: this.#connectionString,
      application_name: 'autopilot',
      connectionTimeoutMillis: 5_000,
      keepAlive: true,
    });
    this.#client = client;
    client.on('error', () => this.#lost(client));
    client.on('end', () => this.#lost(client));
    client.on('notification', () => this.#tell());
    client
      .connect()
      .then(async () => {
        await client.query('LISTEN autopilot_config; LISTEN autopilot_access');
        this.#failures = 0;
        this.#tell();
      })
      .catch(() => this.#lost(client));
  }

  #lost(client: pg.Client): void {
    if (this.#client !== client || this.#closed) return;
    this.#client = null;
    client.end().catch(() => {}); // It may be half open; nobody waits for it.
    const waitMs = Math.min(LONGEST_RETRY_MS, FIRST_RETRY_MS * 2 ** this.#failures++);
    this.#retry = setTimeout(() => {
      this.#retry = null;
      this.#connect();
    }, waitMs);
    this.#retry.unref();
  }

  #tell(): void {
    for (const changed of this.#watchers) changed();
  }
}
