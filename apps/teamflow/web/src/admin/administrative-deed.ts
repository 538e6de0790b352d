import type { AdministrativeCall } from './admin-wire.ts';

const deeds: Readonly<Record<string, string>> = {
  'ban-user': 'Suspended',
  'unban-user': 'Let in again',
  'set-user-password': 'Set the password',
  'create-user': 'Made the account',
  'update-user': 'Changed the account',
  'remove-user': 'Removed the account',
  'revoke-user-session': 'Ended a session',
  'revoke-user-sessions': 'Ended all sessions',
  'impersonate-user': 'Acted as them',
  'stop-impersonating': 'Stopped acting as somebody',
};

/** What a call of the administration does, in words; what nobody has words for as it was made. */
export function administrativeDeed({ call, role }: Pick<AdministrativeCall, 'call' | 'role'>): string {
  const name = /^POST \/api\/auth\/admin\/([\w-]+)$/.exec(call)?.[1];
  if (name === 'set-role') return role === 'admin' ? 'Made an administrator' : 'Took the administration away';
  if (/^DELETE \/api\/v1\/administration\/users\/[^/]+\/sessions$/.test(call)) return 'Ended all sessions';
  if (/^DELETE \/api\/v1\/administration\/users\/[^/]+\/sessions\/[^/]+$/.test(call)) return 'Ended a session';
  return name !== undefined && Object.hasOwn(deeds, name) ? (deeds[name] ?? call) : call;
}
