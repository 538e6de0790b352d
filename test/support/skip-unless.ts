/**
 * For a test's option `skip`: false when what it needs is there, otherwise the reason that the report shows.
 * With AUTOPILOT_REQUIRE_ALL=1, where everything is supposed to be installed, it throws instead.
 */
export function skipUnless(available: boolean, name: string, reason: string): string | false {
  if (available) return false;
  if (process.env['AUTOPILOT_REQUIRE_ALL'] === '1') {
    throw new Error(`AUTOPILOT_REQUIRE_ALL=1 allows no skip, but ${name} is not available: ${reason}`);
  }
  return `${name}: ${reason}`;
}
