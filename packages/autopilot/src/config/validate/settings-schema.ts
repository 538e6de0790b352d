import * as z from 'zod';
import type { JsonSchema } from '../../contract/shape.ts';
import { registry } from '../registry.ts';
import type { SettingDeclaration } from '../setting.ts';

/** The zod schema of one setting's values, from its declaration. */
export function settingSchema(declaration: SettingDeclaration): z.ZodType {
  const schema = kindSchema(declaration);
  return schema.meta({
    description: declaration.description,
    default: declaration.default,
    'x-apply': declaration.apply,
    'x-risk': declaration.risk,
    'x-on': declaration.on,
    ...('unit' in declaration ? { 'x-unit': declaration.unit } : {}),
    ...('tuner' in declaration && declaration.tuner !== undefined ? { 'x-tuner': declaration.tuner } : {}),
  });
}

function kindSchema(declaration: SettingDeclaration): z.ZodType {
  switch (declaration.kind) {
    case 'integer':
    case 'number': {
      const number = (declaration.kind === 'integer' ? z.int() : z.number()).min(declaration.min).max(declaration.max);
      return declaration.default === null ? number.nullable() : number;
    }
    case 'boolean':
      return z.boolean();
    case 'choice':
      return z.enum(declaration.values);
    case 'text':
      return textSchema(declaration.maxLength);
    case 'texts':
      return z.array(textSchema(declaration.maxLength)).max(declaration.maxItems);
  }
}

function textSchema(maxLength: number): z.ZodType<string> {
  return z
    .string()
    .max(maxLength)
    .regex(/^\P{Cc}*$/u, 'control characters are not allowed');
}

/** The JSON Schema (2020-12) of all settings, nested as a patch is; for editors and for GET /config/schema. */
export function settingsJsonSchema(): JsonSchema {
  const groups: Record<string, Record<string, z.ZodType>> = {};
  for (const [key, declaration] of registry) {
    const [group = '', name = ''] = key.split('.');
    const settings = (groups[group] ??= {});
    settings[name] = settingSchema(declaration).optional();
  }
  const schema = z.strictObject(
    Object.fromEntries(Object.entries(groups).map(([group, settings]) => [group, z.strictObject(settings).optional()])),
  );
  return {
    ...z.toJSONSchema(schema, { target: 'draft-2020-12', unrepresentable: 'any' }),
    title: 'TeamFlow Autopilot settings',
  };
}
