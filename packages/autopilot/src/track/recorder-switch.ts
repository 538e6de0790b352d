import type { LiveSettings } from '../config/live-settings.ts';
import type { Recorder, Sink } from './observation.ts';

/** Attaches a recorder to its sink while a setting of the group `monitoring` says so. */
export class RecorderSwitch implements Disposable {
  readonly #recorder: Recorder;
  readonly #sink: Sink;
  readonly #following: Disposable;
  #attached: Disposable | null = null;

  constructor(
    recorder: Recorder,
    sink: Sink,
    settings: LiveSettings,
    setting: 'requests' | 'statements' | 'runtime' | 'jobs' | 'compression',
  ) {
    this.#recorder = recorder;
    this.#sink = sink;
    this.#following = settings.use({
      name: `the recorder "${recorder.name}"`,
      apply: ({ monitoring }) => this.#set(monitoring[setting]),
    });
  }

  [Symbol.dispose](): void {
    this.#following[Symbol.dispose]();
    this.#set(false);
  }

  #set(on: boolean): void {
    if (on) this.#attached ??= this.#recorder.attach(this.#sink);
    else {
      this.#attached?.[Symbol.dispose]();
      this.#attached = null;
    }
  }
}
