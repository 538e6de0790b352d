/**
 * Loaded before a test (`node --import`), it keeps the setting that FROZEN_SETTING names from having any effect: whoever
 * reads it reads its default, whatever it is changed to, while a change of it is taken and told as always. A test that
 * proves an effect of that setting fails then.
 */
import assert from 'node:assert/strict';
import { registerHooks } from 'node:module';

const isFrozen = `key === process.env['FROZEN_SETTING']`;
const edits = [
  [
    'settings[name] = Array.isArray(value) ? Object.freeze(value.slice()) : value;',
    `settings[name] = ${isFrozen} ? declaration.default : value; if (${isFrozen}) truths.set(made, value);`,
  ],
  [
    "const [group = '', name = ''] = key.split('.');\n  // The registry's own keys, looked up by text.",
    `if (${isFrozen} && truths.has(settings)) return truths.get(settings); const [group = '', name = ''] = key.split('.');`,
  ],
  ['export function settingsOf(', 'const truths = new WeakMap<object, SettingValue>();\nexport function settingsOf('],
] as const;

registerHooks({
  load(url, context, nextLoad) {
    const loaded = nextLoad(url, context);
    if (!url.endsWith('/packages/autopilot/src/config/registry.ts')) return loaded;
    let source =
      typeof loaded.source === 'string' ? loaded.source : new TextDecoder().decode(loaded.source ?? undefined);
    for (const [text, other] of edits) {
      assert.ok(source.includes(text), `registry.ts is not as it was: ${text}`);
      source = source.replace(text, other);
    }
    return { ...loaded, source };
  },
});
