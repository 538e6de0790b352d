import { AutopilotError } from '../kernel/errors.ts';
import type { LinkTarget } from './http-channel.ts';

/** A shorter one could be guessed. */
const MIN_LINK_KEY_LENGTH = 32;

/**
 * The control plane elsewhere that AUTOPILOT_URL names, with the key of AUTOPILOT_LINK_KEY; null when none is named. Of two keys,
 * as they may stand there while they are rotated, the first one signs.
 * @throws AutopilotError AP_ENVIRONMENT_INVALID; no message holds a key or a password.
 */
export function readLinkTarget(variables: Readonly<Record<string, string | undefined>>): LinkTarget | null {
  const text = variables['AUTOPILOT_URL'];
  if (!text) return null;
  if (!URL.canParse(text)) throw invalid('AUTOPILOT_URL', 'no URL');
  const url = new URL(text);
  if (url.username !== '' || url.password !== '') {
    throw invalid(
      'AUTOPILOT_URL',
      `a URL with a sign-in (of ${url.host})`,
      'Leave the sign-in out: AUTOPILOT_LINK_KEY is what opens it.',
    );
  }
  if (url.protocol !== 'http:' && url.protocol !== 'https:') throw invalid('AUTOPILOT_URL', JSON.stringify(text));
  if (url.pathname !== '/' || url.search !== '' || url.hash !== '')
    throw invalid('AUTOPILOT_URL', JSON.stringify(text));
  const [key = ''] = (variables['AUTOPILOT_LINK_KEY'] ?? '').split(',');
  if (key.length < MIN_LINK_KEY_LENGTH) {
    throw invalid(
      'AUTOPILOT_LINK_KEY',
      key === '' ? 'not set' : `${key.length} characters long`,
      `With AUTOPILOT_URL it has to be the key that the control plane has: at least ${MIN_LINK_KEY_LENGTH} random characters.`,
    );
  }
  return { url, key };
}

function invalid(
  variable: string,
  value: string,
  remedy = 'Give the address of a control plane, without a path: https://autopilot.example.com:3001.',
): AutopilotError {
  return new AutopilotError('AP_ENVIRONMENT_INVALID', `${variable} is ${value}, which can't be used.`, { remedy });
}
