import { PROOF_HEADER, SIGNATURE_HEADER, sameText, signRequest } from './request-signature.ts';

/** Says which control plane answers at an address: POST, signed, with an empty body. */
export const PROBE_PATH = '/link/v1/holder';

const PROBE_MS = 2_000;

/**
 * Whether the control plane called `holder` answers at `address`, and holds `key`. At an address that means something else here, as
 * another machine's 127.0.0.1 does, somebody else answers, or nobody.
 */
export async function reachesHolder(address: string, holder: string, key: string, now: number): Promise<boolean> {
  const { header, proof } = signRequest('POST', PROBE_PATH, '', key, now);
  try {
    const answer = await fetch(`${address}${PROBE_PATH}`, {
      method: 'POST',
      headers: { [SIGNATURE_HEADER]: header },
      redirect: 'error',
      signal: AbortSignal.timeout(PROBE_MS),
    });
    const text = await answer.text();
    return answer.ok && sameText(answer.headers.get(PROOF_HEADER) ?? '', proof) && text === holder;
  } catch {
    // Refused, too late, no such name: whatever it is, it is not reached.
    return false;
  }
}
