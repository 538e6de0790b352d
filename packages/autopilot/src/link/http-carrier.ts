/**
 * The link over HTTP/1.1, on the control plane's own port.
 *
 *   POST /link/v1/channels        a `hello`; the answer stays open and carries what the control plane says, a line of JSON each.
 *                                 Its end is the end of the channel. CHANNEL_HEADER names the channel.
 *   POST /link/v1/channels/<id>   one more message of the agent; answered with 202 when it has been read.
 *
 * Each request is signed (request-signature.ts). Why so and not as WebSocket: docs/decisions/link-over-http.md.
 */
export const CHANNELS_PATH = '/link/v1/channels';
export const CHANNEL_HEADER = 'x-autopilot-channel';

/** Most bytes of one message: a backlog comes in pieces of 1 MiB as Node serializes it, which JSON makes half as long again. */
export const MAX_MESSAGE_BYTES: number = 8 * 1024 * 1024;
