import { type Environment, invalidVariable } from '../kernel/environment.ts';
import type { LinkTarget } from './http-channel.ts';

/** A shorter one could be guessed. */
const MIN_LINK_KEY_LENGTH = 32;
const ADDRESS_REMEDY = 'Give the address of a control plane, without a path: https://autopilot.example.com:3001.';

/**
 * The control plane elsewhere that AUTOPILOT_URL names, with the key of AUTOPILOT_LINK_KEY; null when none is named. Of two keys,
 * as they may stand there while they are rotated, the first one signs.
 * @throws AutopilotError AP_ENVIRONMENT_INVALID; no message holds a key or a password.
 */
export function readLinkTarget(variables: Environment): LinkTarget | null {
  const text = variables['AUTOPILOT_URL'];
  if (!text) return null;
  if (!URL.canParse(text)) throw invalidVariable('AUTOPILOT_URL', 'no URL', ADDRESS_REMEDY);
  const url = new URL(text);
  if (url.username !== '' || url.password !== '') {
    throw invalidVariable(
      'AUTOPILOT_URL',
      `a URL with a sign-in (of ${url.host})`,
      'Leave the sign-in out: AUTOPILOT_LINK_KEY is what opens it.',
    );
  }
  if (url.protocol !== 'http:' && url.protocol !== 'https:')
    throw invalidVariable('AUTOPILOT_URL', JSON.stringify(text), ADDRESS_REMEDY);
  if (url.pathname !== '/' || url.search !== '' || url.hash !== '')
    throw invalidVariable('AUTOPILOT_URL', JSON.stringify(text), ADDRESS_REMEDY);
  const [key = ''] = (variables['AUTOPILOT_LINK_KEY'] ?? '').split(',');
  if (key.length < MIN_LINK_KEY_LENGTH) {
    throw invalidVariable(
      'AUTOPILOT_LINK_KEY',
      key === '' ? 'not set' : `${key.length} characters long`,
      `With AUTOPILOT_URL it has to be the key that the control plane has: at least ${MIN_LINK_KEY_LENGTH} random characters.`,
    );
  }
  return { url, key };
}
