import type { OpenApiDocument } from '../contract/openapi.ts';
import type { JsonSchema } from '../contract/shape.ts';

/** The page loads nothing and runs nothing; its one style sheet is within it. */
export const DOCS_POLICY =
  "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/** An OpenAPI document as a page to read, without a script and without anything from elsewhere. */
export function docsPage(document: OpenApiDocument): string {
  const { info, paths, components } = document;
  const operations = Object.entries(paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, operation]) => operationSection(path, method, record(operation))),
  );
  const schemas = Object.entries(components.schemas).map(([name, schema]) => schemaSection(name, schema));
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${escaped(info.title)} API</title>
<style>${STYLE}</style>
</head>
<body>
<main>
<h1>${escaped(info.title)} API <small>${escaped(info.version)}</small></h1>
<p>${escaped(info.description)}</p>
<p>The same as OpenAPI 3.1: <a href="openapi.json">openapi.json</a></p>
<nav><ul>${Object.entries(paths)
    .map(([path]) => `<li><a href="#${idOf(path)}"><code>${escaped(path)}</code></a></li>`)
    .join('')}</ul></nav>
${operations.join('\n')}
<h2>Documents</h2>
${schemas.join('\n')}
</main>
</body>
</html>
`;
}

function operationSection(path: string, method: string, operation: JsonSchema): string {
  const scope = operation['x-scope'];
  const parameters = list(operation['parameters']).map(record);
  const responses = Object.entries(record(operation['responses']));
  return `<section id="${idOf(path)}">
<h2><code><b>${escaped(method.toUpperCase())}</b> ${escaped(path)}</code></h2>
<p>${escaped(operation['summary'])}.${typeof operation['description'] === 'string' ? ` ${prose(operation['description'])}` : ''}</p>
<p class="note">${scope === undefined ? 'Open to everyone.' : `Needs the scope <b>${escaped(scope)}</b>.`}</p>
${parameters.length === 0 ? '' : `<div class="wide"><table><thead><tr><th scope="col">Parameter</th><th scope="col">Value</th><th scope="col"></th></tr></thead><tbody>${parameters.map(parameterRow).join('')}</tbody></table></div>`}
<dl>${responses.map(([status, response]) => responseItem(status, record(response))).join('')}</dl>
</section>`;
}

function parameterRow(parameter: JsonSchema): string {
  const required = parameter['required'] === true ? ' <b>required</b>' : '';
  return `<tr><th scope="row"><code>${escaped(parameter['name'])}</code>${required}</th><td>${typeOf(record(parameter['schema']))}</td><td>${prose(parameter['description'] ?? '')}</td></tr>`;
}

function responseItem(status: string, response: JsonSchema): string {
  const content = Object.entries(record(response['content']));
  const media = content.map(([mediaType, media]) => `${escaped(mediaType)} ${typeOf(record(record(media)['schema']))}`);
  return `<dt>${escaped(status)}</dt><dd>${escaped(response['description'])}<br><span class="note">${media.join(', ')}</span></dd>`;
}

function schemaSection(name: string, schema: JsonSchema): string {
  const required = new Set(list(schema['required']));
  const rows = Object.entries(record(schema['properties'])).map(([field, value]) => {
    const shape = record(value);
    const optional = required.has(field) ? '' : ' <span class="note">may be left out</span>';
    return `<tr><th scope="row"><code>${escaped(field)}</code>${optional}</th><td>${typeOf(shape)}</td><td>${prose(shape['description'] ?? '')}</td></tr>`;
  });
  return `<section id="schema-${escaped(name)}"><h3>${escaped(name)}</h3>${
    typeof schema['description'] === 'string' ? `<p>${escaped(schema['description'])}</p>` : ''
  }<div class="wide"><table><tbody>${rows.join('')}</tbody></table></div></section>`;
}

/** A schema in a few words. */
function typeOf(schema: JsonSchema): string {
  const reference = schema['$ref'];
  if (typeof reference === 'string') {
    const name = reference.split('/').at(-1) ?? '';
    return `<a href="#schema-${escaped(name)}">${escaped(name)}</a>`;
  }
  const alternatives = list(schema['anyOf'] ?? schema['oneOf']).map(record);
  if (alternatives.length > 0) return alternatives.map(typeOf).join(' or ');
  if (schema['x-event-data'] !== undefined) return `of ${typeOf(record(schema['x-event-data']))}`;
  const type = schema['type'];
  if (type === 'array') return `list of ${typeOf(record(schema['items']))}`;
  const additional = schema['additionalProperties'];
  if (type === 'object' && typeof additional === 'object') return `by name: ${typeOf(record(additional))}`;
  const range = rangeOf(schema);
  const unit = typeof schema['x-unit'] === 'string' ? ` in ${schema['x-unit']}` : '';
  const values = list(schema['enum']);
  if (values.length > 0) return values.map((value) => `<code>${escaped(value)}</code>`).join(' ');
  return escaped(`${schema['format'] === 'date-time' ? 'time' : textOf(type)}${unit}${range}`);
}

function rangeOf({ minimum, maximum }: JsonSchema): string {
  if (minimum !== undefined && maximum !== undefined) return `, ${textOf(minimum)} to ${textOf(maximum)}`;
  if (minimum !== undefined && minimum !== 0) return `, from ${textOf(minimum)}`;
  return '';
}

function idOf(path: string): string {
  return escaped(path.replaceAll(/[^a-z0-9]+/gi, '-').replaceAll(/^-|-$/g, ''));
}

function record(value: unknown): JsonSchema {
  return typeof value === 'object' && value !== null ? (value as JsonSchema) : {}; // an object's fields are unknown, which is all a JsonSchema says
}

function list(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}

function textOf(value: unknown): string {
  return typeof value === 'string' || typeof value === 'number' ? String(value) : '';
}

function escaped(value: unknown): string {
  return textOf(value).replaceAll(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`);
}

/** Text in which backticks mark names. */
function prose(text: unknown): string {
  return escaped(text).replaceAll(/`([^`]+)`/g, '<code>$1</code>');
}

const STYLE = `:root{color-scheme:light dark;--line:light-dark(#d8dde4,#353b45);--dim:light-dark(#5a6472,#9aa5b4);--link:light-dark(#0b5cad,#79b8ff)}
body{margin:0;font:16px/1.5 system-ui,sans-serif;background:light-dark(#fff,#14171c);color:light-dark(#16191d,#e6e9ee)}
main{max-width:60rem;margin:0 auto;padding:2rem 1rem}
h1 small{font-size:1rem;font-weight:400;color:var(--dim)}h2{margin-top:3rem;border-top:1px solid var(--line);padding-top:1.5rem;font-size:1.15rem;overflow-wrap:anywhere}
code{font:.9em ui-monospace,monospace}a{color:var(--link)}nav ul{columns:2;padding-left:1.2rem}
table{border-collapse:collapse;width:100%}th,td{text-align:left;vertical-align:top;padding:.35rem .75rem .35rem 0;border-bottom:1px solid var(--line);font-weight:400}thead th{color:var(--dim)}
.wide{overflow-x:auto}.note{color:var(--dim);font-size:.9em}dt{font-weight:600;margin-top:.5rem}dd{margin:0 0 0 1.5rem}
@media(max-width:40rem){nav ul{columns:1}}`;
