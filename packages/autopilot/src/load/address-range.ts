import { BlockList, isIPv4, isIPv6 } from 'node:net';

/** What lies behind an address, as far as a load generator must care. */
export type AddressKind = 'public' | 'loopback' | 'private' | 'forbidden';

/** IANA special-purpose registries (RFC 6890 and its updates); what the public internet never routes. */
const ranges: readonly (readonly [Exclude<AddressKind, 'public'>, readonly string[]])[] = [
  // Metadata services of clouds live here: link-local ones, Alibaba's, Oracle's, Azure's, AWS's by IPv6. No rule opens them.
  [
    'forbidden',
    ['169.254.0.0/16', '100.100.100.200/32', '192.0.0.192/32', '168.63.129.16/32', 'fe80::/10', 'fd00:ec2::254/128'],
  ],
  // "This network", protocol assignments, documentation, multicast, reserved, broadcast, discard-only.
  ['forbidden', ['0.0.0.0/8', '192.0.0.0/24', '192.0.2.0/24', '198.51.100.0/24', '203.0.113.0/24']],
  ['forbidden', ['192.88.99.0/24', '224.0.0.0/4', '240.0.0.0/4', '::/128', 'ff00::/8', '2001:db8::/32', '100::/64']],
  ['loopback', ['127.0.0.0/8', '::1/128']],
  ['private', ['10.0.0.0/8', '172.16.0.0/12', '192.168.0.0/16', '100.64.0.0/10', '198.18.0.0/15']],
  ['private', ['fc00::/7', 'fec0::/10']],
];

const lists: readonly (readonly [Exclude<AddressKind, 'public'>, BlockList])[] = ranges.map(([kind, cidrs]) => [
  kind,
  blockListOf(cidrs),
]);

/** The kind of an address in text form; an IPv4 address inside an IPv6 one is judged as what it reaches. */
export function addressKindOf(address: string): AddressKind {
  const inner = embeddedIpv4(address);
  if (inner !== undefined) return addressKindOf(inner);
  const family = isIPv4(address) ? 'ipv4' : isIPv6(address) ? 'ipv6' : undefined;
  // What is no address at all (a path of a unix socket, a name) is nothing to send to. A zone makes it link-local.
  if (family === undefined || address.includes('%')) return 'forbidden';
  return lists.find(([, list]) => list.check(address, family))?.[0] ?? 'public';
}

/** Whether one of the ranges (`10.0.0.0/8`, `fd12::/16`, or single addresses) holds the address. */
export function isWithin(address: string, cidrs: readonly string[]): boolean {
  const inner = embeddedIpv4(address) ?? address;
  return blockListOf(cidrs).check(inner, isIPv4(inner) ? 'ipv4' : 'ipv6');
}

/** Whether a text names a range or an address. */
export function isRange(text: string): boolean {
  const [address = '', bits] = text.split('/');
  const max = isIPv4(address) ? 32 : isIPv6(address) ? 128 : -1;
  return bits === undefined ? max > 0 : /^\d+$/.test(bits) && Number(bits) <= max;
}

function blockListOf(cidrs: readonly string[]): BlockList {
  const list = new BlockList();
  for (const cidr of cidrs) {
    const [address = '', bits] = cidr.split('/');
    const family = isIPv4(address) ? 'ipv4' : 'ipv6';
    if (bits === undefined) list.addAddress(address, family);
    else list.addSubnet(address, Number(bits), family);
  }
  return list;
}

/**
 * The IPv4 address that an IPv6 one stands for: mapped ::ffff:0:0/96 and its translated form ::ffff:0:0:0/96 (RFC 2765),
 * compatible ::/96, NAT64 64:ff9b::/96 and 64:ff9b:1::/48 (RFC 6052, 8215), 6to4 2002::/16, Teredo 2001::/32 (inverted).
 */
function embeddedIpv4(address: string): string | undefined {
  if (!isIPv6(address) || address.includes('%')) return undefined;
  const words = wordsOf(address);
  const [w0 = 0, w1 = 0, w2 = 0, w3 = 0, w4 = 0, w5 = 0, w6 = 0, w7 = 0] = words;
  const last = dotted(w6, w7);
  if (w0 === 0 && w1 === 0 && w2 === 0 && w3 === 0) {
    if (w4 === 0xffff && w5 === 0) return last;
    if (w4 === 0 && w5 === 0xffff) return last;
    // :: and ::1 are addresses of their own.
    if (w4 === 0 && w5 === 0 && (w6 !== 0 || w7 > 1)) return last;
  }
  if (w0 === 0x64 && w1 === 0xff9b) return last;
  if (w0 === 0x2002) return dotted(w1, w2);
  if (w0 === 0x2001 && w1 === 0) return dotted(w6 ^ 0xffff, w7 ^ 0xffff);
  return undefined;
}

function dotted(high: number, low: number): string {
  return `${high >> 8}.${high & 0xff}.${low >> 8}.${low & 0xff}`;
}

/** The eight 16-bit words of a valid IPv6 address. */
function wordsOf(address: string): number[] {
  const tail = /(\d+)\.(\d+)\.(\d+)\.(\d+)$/.exec(address);
  const plain =
    tail === null
      ? address
      : address.slice(0, tail.index) +
        [(Number(tail[1]) << 8) | Number(tail[2]), (Number(tail[3]) << 8) | Number(tail[4])]
          .map((word) => word.toString(16))
          .join(':');
  const [head = '', rest] = plain.split('::');
  const parse = (part: string): number[] =>
    part === '' ? [] : part.split(':').map((word) => Number.parseInt(word, 16));
  const front = parse(head);
  const back = rest === undefined ? [] : parse(rest);
  return [...front, ...Array.from({ length: 8 - front.length - back.length }, () => 0), ...back];
}
