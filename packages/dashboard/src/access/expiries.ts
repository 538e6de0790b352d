/** How long a new token may live, as it is offered. */
export const expiries: readonly { readonly label: string; readonly days: number | null }[] = [
  { label: '7 days', days: 7 },
  { label: '30 days', days: 30 },
  { label: '90 days', days: 90 },
  { label: 'A year', days: 365 },
  { label: 'Until it is revoked', days: null },
];

/** When a token of so many days ends, in RFC 3339; null: never. */
export function expiryAfter(days: number | null, now: number): string | null {
  return days === null ? null : new Date(now + days * 86_400_000).toISOString();
}
