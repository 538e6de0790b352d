/** A content coding (RFC 9110, section 8.4.1) that any answer can be sent in, best first where a client likes them alike. */
export type ContentCoding = 'zstd' | 'br' | 'gzip' | 'deflate';

/** A coding that answers are sent in; `dcz` takes a dictionary that the client already has (RFC 9842). */
export type SentCoding = ContentCoding | 'dcz';

const reasons = {
  'too-small': 'smaller than compression.minBytes: less than a packet would be saved',
  excluded: 'its path, its media type or its route is left out',
  'media-type': 'of a kind that is compressed already, or does not become smaller',
  incompressible: 'looked into or tried: it did not become smaller',
  'coded-already': 'the route has sent it in a coding of its own',
  'no-transform': 'Cache-Control: no-transform, or a digest of its bytes, forbids it',
  partial: 'a part of a representation is sent as it is',
  'client-cannot': 'the client takes no coding that can be made',
  secrets: 'its length must be hidden, and the coding has no place for padding, or it flows',
  'does-not-pay': 'what is saved is worth less than the CPU time it takes now',
  'too-busy': 'as many large bodies or streams as may be are being compressed already',
  failed: 'the encoder failed',
} as const;

export type UncodedReason = keyof typeof reasons;

/** Why an answer was sent as the route made it, each with what it says to a reader. */
export const uncodedReasons: Readonly<Record<UncodedReason, string>> = reasons;
