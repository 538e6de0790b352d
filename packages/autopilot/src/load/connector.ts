import { connect as connectTcp, isIP, type OnReadOpts, type Socket } from 'node:net';
import { connect as connectTls, rootCertificates } from 'node:tls';
import { AutopilotError } from '../kernel/errors.ts';
import type { HttpOptions } from './plan.ts';
import type { PinnedTarget } from './target.ts';

/** How a transport wants its socket. */
export interface ConnectRequest {
  /** Protocols offered by ALPN, where the connection is secure. */
  readonly protocols: readonly string[];
  /** Reads into a given buffer instead of emitting `data`. */
  readonly onread?: OnReadOpts;
}

/**
 * Opens a connection to a pinned address. The only place that opens any; tests put another in its place and see every
 * address that would be spoken to.
 */
export type Connect = (target: PinnedTarget, request: ConnectRequest) => Socket;

/** Connects by TCP, and TLS where the target's scheme asks for it. */
export function socketConnect(http: HttpOptions = {}): Connect {
  const authorities =
    http.certificateAuthority === undefined ? undefined : [...rootCertificates, http.certificateAuthority];
  return (target, { protocols, onread }) => {
    // net.connect would take a name and resolve it: what was judged is the address.
    if (isIP(target.address) === 0) {
      throw new AutopilotError('AP_LOAD_TARGET_REFUSED', `"${target.address}" is no IP address.`, {
        remedy: 'Pin the target with admitTarget().',
      });
    }
    const place = {
      host: target.address,
      port: target.port,
      noDelay: true,
      ...(onread === undefined ? {} : { onread }),
    };
    if (!target.secure) return connectTcp(place);
    return connectTls({
      ...place,
      ALPNProtocols: [...protocols],
      rejectUnauthorized: http.verifyCertificate ?? true,
      ...(target.serverName === '' ? {} : { servername: target.serverName }),
      ...(authorities === undefined ? {} : { ca: authorities }),
    });
  };
}
