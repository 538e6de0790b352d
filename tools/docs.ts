/** Writes docs/reference/, and the README's figures, from the tables in the code and bench/results/. `npm run docs`; a test holds the files to it. */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { variableOf } from '../packages/autopilot/src/config/environment-layer.ts';
import { builtInPresets } from '../packages/autopilot/src/config/presets.ts';
import { registry } from '../packages/autopilot/src/config/registry.ts';
import type { SettingDeclaration } from '../packages/autopilot/src/config/setting.ts';
import { measuredPage, readResults, withFigures } from './measured.ts';

/** The pages by their path. */
export function referencePages(root: string): Readonly<Record<string, string>> {
  const results = readResults(join(root, 'bench/results'));
  return {
    'README.md': withFigures(readFileSync(join(root, 'README.md'), 'utf8'), results),
    'docs/reference/measured.md': measuredPage(results),
    'docs/reference/settings.md': settingsPage(),
  };
}

function settingsPage(): string {
  const lines = [
    '# Settings',
    '',
    'Made by `npm run docs` from `packages/autopilot/src/config/`. How they are set and changed: [the guide](../guides/configuration.md).',
  ];
  const groups = Map.groupBy(registry, ([key]) => key.split('.')[0] ?? '');
  for (const [group, settings] of groups) {
    lines.push('', `## ${group}`);
    for (const [key, declaration] of settings) lines.push('', ...settingLines(key, declaration));
  }
  lines.push('', '## Presets');
  for (const { name, description, settings } of builtInPresets) {
    lines.push('', `### ${name}`, '', description, '', '| setting | value | why |', '|---|---|---|');
    for (const { key, value, because } of settings)
      lines.push(`| \`${key}\` | ${JSON.stringify(value)} | ${because} |`);
  }
  return `${lines.join('\n')}\n`;
}

function settingLines(key: string, declaration: SettingDeclaration): readonly string[] {
  const { description, apply, risk, on } = declaration;
  const facts = [
    `Default ${declaration.default === null ? "the application's own value" : `\`${JSON.stringify(declaration.default)}\``}`,
    ...('unit' in declaration ? [`${declaration.min} to ${declaration.max} ${declaration.unit}`] : []),
    ...(declaration.kind === 'choice' ? [`one of ${declaration.values.map((one) => `\`${one}\``).join(', ')}`] : []),
    ...(declaration.kind === 'boolean' ? ['`true` or `false`'] : []),
    ...(declaration.kind === 'texts' ? [`up to ${declaration.maxItems} texts`] : []),
    `takes effect: ${apply}`,
    `risk: ${risk}`,
    `read by the ${on === 'agent' ? 'agent' : 'control plane'}`,
    ...('tuner' in declaration && declaration.tuner !== undefined
      ? [`the tuner may move it from ${declaration.tuner.min} to ${declaration.tuner.max}`]
      : []),
  ];
  return [`### ${key}`, '', description, '', `${facts.join('; ')}. \`${variableOf(key)}\``];
}

if (import.meta.main) {
  const root = join(import.meta.dirname, '..');
  for (const [path, text] of Object.entries(referencePages(root))) {
    mkdirSync(join(root, path, '..'), { recursive: true });
    writeFileSync(join(root, path), text);
    console.log(path);
  }
}
