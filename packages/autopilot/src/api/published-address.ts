import { networkInterfaces } from 'node:os';

/**
 * Where others reach a server that listens on `host`: the address it has, or, where it listens on all of the machine's, the first
 * one that leads out of the machine.
 */
export function publishedAddress(host: string, address: string, port: number): string {
  if (host !== '0.0.0.0' && host !== '::') return address;
  const outward = Object.values(networkInterfaces())
    .flatMap((several) => several ?? [])
    .find(({ internal, family }) => !internal && (host === '::' || family === 'IPv4'));
  if (outward === undefined) return address;
  return `http://${outward.family === 'IPv6' ? `[${outward.address}]` : outward.address}:${port}`;
}
