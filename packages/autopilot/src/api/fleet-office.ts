import { randomUUID } from 'node:crypto';
import { hostname } from 'node:os';
import type { PrincipalKey } from '../access/signed-principal.ts';
import { scopes } from '../contract/principal.ts';
import type { FleetMetrics } from '../expose/fleet-metrics.ts';
import type { OtlpPush } from '../expose/otlp-push.ts';
import type { Clock } from '../kernel/clock.ts';
import type { HttpLinkAcceptor } from '../link/http-acceptor.ts';
import { reachesHolder } from '../link/leader-probe.ts';
import type { LinkRouter } from '../link/link-router.ts';
import type { LayeredMetricStore } from '../storage/layered-metric-store.ts';
import { Leadership, type Role } from '../storage/leadership.ts';
import type { LeaderLease } from '../storage/ports.ts';
import type { EventStreams } from './event-streams.ts';
import { atMost } from './regular-work.ts';
import type { LeaderDoor } from './standby-proxy.ts';

/** What a control plane among others is told, and what of it changes with its part. */
export interface FleetOfficeParts {
  readonly lease: LeaderLease;
  readonly clock: Clock;
  /** Where others reach it. */
  readonly address: string;
  readonly push: OtlpPush | null;
  readonly metrics: FleetMetrics;
  readonly acceptor: HttpLinkAcceptor;
  readonly streams: EventStreams;
  readonly router: LinkRouter;
  readonly live: LayeredMetricStore | null;
  readonly onTrouble: (message: string) => void;
}

/** To find out who leads, before agents are spoken with. */
const FIRST_ROLE_MS = 1000;

/** The part of a control plane among those that share its database; one that has no database is alone. */
export class FleetOffice {
  /** Names this control plane. */
  readonly holder: string = randomUUID();
  #leadership: Leadership | null = null;

  /** null: it has no part. */
  get role(): Role | null {
    return this.#leadership?.role ?? null;
  }

  /** Whether it may change anything: it leads, or there is nobody else. */
  get mayAct(): boolean {
    return this.#leadership === null || this.#leadership.mayAct;
  }

  /** Alone it may be wrong about being so; each step of compaction has the fleet's own lock besides. */
  get mayCompact(): boolean {
    return this.#leadership === null || this.#leadership.role.kind === 'alone' || this.#leadership.mayAct;
  }

  /** What the fleet signs with, the newest first. */
  get keys(): readonly string[] {
    return this.#leadership?.keys ?? [];
  }

  get principalKeys(): readonly PrincipalKey[] {
    return this.keys.map((key) => ({ key, maxScopes: scopes, relays: true }));
  }

  /** Who answers in its place; null: it does so itself. */
  get leader(): LeaderDoor | null {
    const role = this.role;
    return role?.kind === 'standby' ? { address: role.leader.address, key: this.#key } : null;
  }

  /** Takes its part; resolves when it is known, or can't be known yet. */
  async join(parts: FleetOfficeParts): Promise<void> {
    const { lease, clock, address, onTrouble } = parts;
    this.#leadership = new Leadership({
      lease,
      clock,
      candidate: { holder: this.holder, host: hostname(), address },
      reaches: (leader) => reachesHolder(leader.address, leader.holder, this.#key, clock.now()),
      onRole: (role) => this.#take(role, parts),
      onTrouble,
    });
    await atMost(FIRST_ROLE_MS, this.#leadership.start());
  }

  async close(): Promise<void> {
    await this.#leadership?.close();
  }

  get #key(): string {
    return this.keys[0] ?? '';
  }

  #take(role: Role, { push, metrics, acceptor, streams, router, live }: FleetOfficeParts): void {
    if (role.kind !== 'standby') {
      // The first that ever leads takes over from nobody.
      live?.beginLive(role.kind === 'alone' || role.epoch > 1);
      router.route(null);
      return;
    }
    // What was taken here nobody else has; what comes from now on the leader pushes. Twice, as one may be under way.
    const pushed = push?.push().then(() => push.push()) ?? Promise.resolve();
    void pushed.then(() => {
      if (this.role?.kind === 'standby') metrics.clear();
    });
    // They come again, and are then handed on.
    acceptor.close();
    streams.endAll();
    const keyOf = (): string => this.#key;
    router.route({
      url: new URL(role.leader.address),
      get key() {
        return keyOf();
      },
    });
  }
}
