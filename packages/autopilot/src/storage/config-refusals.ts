import { AutopilotError } from '../kernel/errors.ts';
import { MAX_PRESETS } from './ports.ts';

/** A change that is based on another version than the newest. */
export function staleVersion(service: string, based: number, newest: number): AutopilotError {
  return new AutopilotError(
    'AP_CONFIG_STALE_VERSION',
    `The change is based on version ${based} of the configuration of ${service}, but version ${newest} is the newest.`,
    {
      remedy:
        based < newest
          ? `Look at what has changed, GET /api/v1/config/versions/${based}/diff?to=${newest}, and send the change again with If-Match: "${newest}".`
          : readAgain(newest),
    },
  );
}

/** A change that is based on something that is no version. */
export function noVersion(service: string, based: string, newest: number): AutopilotError {
  return new AutopilotError(
    'AP_CONFIG_STALE_VERSION',
    `The change is based on ${based.slice(0, 100)}, which is no version of the configuration of ${service}; version ${newest} is the newest.`,
    { remedy: readAgain(newest) },
  );
}

function readAgain(newest: number): string {
  return `Read GET /api/v1/config again, and send the change with If-Match: "${newest}".`;
}

/** One preset more than are kept. */
export function tooManyPresets(service: string): AutopilotError {
  return new AutopilotError(
    'AP_CONFIG_PRESET_INVALID',
    `${service} has ${MAX_PRESETS} presets of its own, which is the most.`,
    { remedy: 'Remove one that nobody needs any more.' },
  );
}
