import type { FastifyReply, FastifyRequest } from 'fastify';

/** What a call of an administrator was about; never what it set a password to. */
export interface AdministrativeCall {
  /** Id of the user who made it; null: nobody who is signed in. */
  readonly by: string | null;
  /** Id of the user, session or organization that it was about; null: of none. */
  readonly about: string | null;
  /** The role that it gave; null: none. */
  readonly role: string | null;
}

/** Says in the log who changed what in the administration, or tried to, and how that ended; with the request's id. */
export function logAdministrativeCall(request: FastifyRequest, reply: FastifyReply, call: AdministrativeCall): void {
  // Strangers are refused, and counted; they shall not fill the log.
  if (call.by === null) return;
  const path = request.url.split('?', 1)[0] ?? request.url;
  request.log.warn(
    { audit: { ...call, call: `${request.method} ${path}`, status: reply.statusCode, from: request.ip } },
    'an administrative call',
  );
}

/** What a body of better-auth's administration is about. */
export function aboutOf(body: Uint8Array | undefined): Pick<AdministrativeCall, 'about' | 'role'> {
  let said: unknown;
  try {
    said = JSON.parse(Buffer.from(body ?? []).toString());
  } catch {
    // It is refused for that.
  }
  const text = (name: string): string | null => {
    const value: unknown = typeof said === 'object' && said !== null ? Reflect.get(said, name) : null;
    return typeof value === 'string' ? value.slice(0, 100) : null;
  };
  return { about: text('userId') ?? text('email'), role: text('role') };
}
