import type { CodePlace } from '../contract/code-place.ts';
import type { SettingValues } from '../contract/configuration.ts';
import type { KnownName } from '../contract/known-name.ts';
import type { TokenDigest } from '../contract/principal.ts';
import type { ProcessVitals } from '../contract/process-vitals.ts';
import type { ProfileKind, ProfileTree } from '../contract/profile.ts';
import type { Origin, StatementText, Window } from '../contract/series.ts';
import type { EpochMs } from '../kernel/clock.ts';

/** Version of these messages. */
export const LINK_PROTOCOL = 1;

/** A control plane answers agents one version behind, so that it can be brought to a new release first. */
export const OLDEST_LINK_PROTOCOL: number = LINK_PROTOCOL - 1;

/** The layers of a configuration that come from the control plane, the weakest first; the environment lies between file and fleet. */
export interface ConfigLayers {
  readonly preset: SettingValues;
  readonly file: SettingValues;
  readonly fleet: SettingValues;
  readonly instance: SettingValues;
}

/** The configuration in force in an instance. */
export interface ConfigState {
  /** 0: none. */
  readonly version: number;
  /** The `revision` of the `config` in force; '' for none. */
  readonly revision: string;
  /** What the process's own environment sets. */
  readonly environment: SettingValues;
  readonly safeMode: boolean;
  /** Keys of settings whose new value waits for a restart. */
  readonly pendingRestart: readonly string[];
  /** Why the newest is not in force, or which of its values could not be used; null: all is well. */
  readonly error: string | null;
}

/** What an agent says. */
export type UpMessage =
  /** First message on every channel, also after a reconnect. */
  | {
      readonly kind: 'hello';
      readonly protocol: number;
      readonly origin: Origin;
      readonly pid: number;
      readonly startedAt: EpochMs;
      /** Names of the databases whose pools are instrumented. */
      readonly databases: readonly string[];
      /** Said by a control plane that stands between the agent and the leader. Absent: by the agent itself. */
      readonly relayed?: boolean;
    }
  /**
   * Closed windows, oldest first, and the texts of statements not yet sent on this channel. Sent once a second also
   * when nothing happened, so that silence means a blocked event loop. Each is answered by its own `ack` or `nack`.
   * Windows without an answer are sent again on the next channel; the receiver ignores what it has (by instance and
   * start).
   */
  | {
      readonly kind: 'windows';
      /** Counts up from 1 on each channel. */
      readonly sequence: number;
      readonly windows: readonly Window[];
      readonly statements: readonly StatementText[];
      /** Why what the agent measures does not reach history; null or absent: it does, or the agent keeps none. */
      readonly historyTrouble?: string | null;
      /** Where in the application's code something was seen, as far as that was not said on this channel; an older agent does not say it. */
      readonly places?: readonly CodePlace[];
      /** Names of tenants and users, likewise. */
      readonly names?: readonly KnownName[];
      /**
       * All windows that end by then were taken before this message, by the receiver or by another control plane; null: none
       * was. An older agent does not say it.
       */
      readonly takenUntil?: EpochMs | null;
    }
  /**
   * Which configuration is in force. Said when welcomed, after each `config`, and every 5 s, which asks for the newest:
   * the answer is a `config` when this is not what should run. An agent that never says it gets none.
   */
  | ({ readonly kind: 'config-state' } & ConfigState)
  /** The answer to the `config-check` of this id. `refusal` null: it would be taken. */
  | {
      readonly kind: 'config-checked';
      readonly id: number;
      readonly refusal: string | null;
      readonly pendingRestart: readonly string[];
    }
  /** The answer to the `profile` of this id. `tree` null: none was made, `refusal` says why. */
  | {
      readonly kind: 'profiled';
      readonly id: string;
      readonly tree: ProfileTree | null;
      readonly refusal: string | null;
    }
  /**
   * The application listens at this origin; said when it is known and after each welcome. Heard from the process that started the
   * control plane alone: nobody else says what load tests may reach. An older control plane passes it over.
   */
  | { readonly kind: 'listening'; readonly url: string }
  /** How the process is just now; said while it is watched. Lost when the buffer is full. */
  | { readonly kind: 'vitals'; readonly vitals: ProcessVitals }
  /** The agent closes in order; its last windows have been sent. */
  | { readonly kind: 'bye' };

/** What a control plane says. */
export type DownMessage =
  /** Answer to `hello`: where its HTTP API listens, and which tokens open what the agent serves itself. */
  | {
      readonly kind: 'welcome';
      readonly protocol: number;
      readonly address: string;
      readonly tokens?: readonly TokenDigest[];
    }
  /** Which tokens open what the agent serves itself from now on. An older agent knows those of its welcome. */
  | { readonly kind: 'tokens'; readonly tokens: readonly TokenDigest[] }
  /**
   * Which marks of load tests are good from now on (SHA-256, base64url): requests with one are measured apart. Said after the
   * welcome too while there are any. An older agent passes it over.
   */
  | { readonly kind: 'test-marks'; readonly marks: readonly string[] }
  /**
   * Whether the process is watched from now on: then it says `vitals` five times a second. Said after the welcome too, while it is. An
   * older agent passes it over.
   */
  | { readonly kind: 'watch-vitals'; readonly on: boolean }
  /** The message of exactly this sequence was taken; it says nothing of any other. */
  | { readonly kind: 'ack'; readonly sequence: number }
  /**
   * The message of exactly this sequence was not taken. `again`: the windows may be taken later, send them under a new
   * sequence; otherwise they can't be read and never will be.
   */
  | { readonly kind: 'nack'; readonly sequence: number; readonly again: boolean }
  /** What this instance should run. Put in force whole, or not at all; answered by `config-state`. */
  | { readonly kind: 'config'; readonly version: number; readonly revision: string; readonly layers: ConfigLayers }
  /** Would this be taken? Changes nothing; answered by `config-checked`. */
  | { readonly kind: 'config-check'; readonly id: number; readonly layers: ConfigLayers }
  /** Profile this process for so long; answered by `profiled`. An older agent passes it over. */
  | { readonly kind: 'profile'; readonly id: string; readonly profile: ProfileKind; readonly durationMs: number }
  /** The hello can't be answered, and why; the channel is closed after it. */
  | { readonly kind: 'refused'; readonly reason: string };

/** One end of a link, whatever carries it. */
export interface Channel<Out, In> {
  /** Hands a message over without waiting; false when the channel is closed or its buffer is full: keep it and try later. */
  send(message: Out): boolean;
  onMessage(listener: (message: In) => void): void;
  /** Called once, when the other end is gone or close() was called. */
  onClose(listener: () => void): void;
  close(): void;
}

export type AgentChannel = Channel<UpMessage, DownMessage>;
export type ControlChannel = Channel<DownMessage, UpMessage>;
