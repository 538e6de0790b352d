import { compileTemplate, type ExpressionContext, type Scope, type TemplatePart, textOf } from './expression.ts';
import type { DataValue, Step, StepBody } from './plan.ts';
import { LOAD_TEST_HEADER } from './plan.ts';
import { mistakesAt } from './plan-error.ts';

/** A request ready to be sent. */
export interface RenderedRequest {
  /** HTTP/1.1: the whole request; HTTP/2: the body. Each character is a byte. */
  readonly wire: string;
  /** HTTP/2: pseudo and other headers; undefined in HTTP/1.1. */
  readonly headers: Readonly<Record<string, string>> | undefined;
  readonly method: string;
  readonly path: string;
}

/** A value that can't be put where its template stands; the message names no value, so that failures can be counted. */
export class RenderError extends Error {
  override readonly name: string = 'RenderError';
}

/** What every request of a plan shares. */
export interface RequestFrame {
  readonly version: 1 | 2;
  readonly secure: boolean;
  readonly keepAlive: boolean;
  /** Value of the Host header. */
  readonly authority: string;
  readonly runId: string;
  readonly headers: Readonly<Record<string, string>>;
}

/** What a request is made from. */
export interface RequestContext extends ExpressionContext {
  /** Value of the Cookie header for a path; empty for none. */
  cookieFor(path: string): string;
}

type Parts = readonly TemplatePart[];

/** Headers that belong to the connection; a plan that sets one is refused. */
export const MANAGED_HEADERS: ReadonlySet<string> = new Set([
  'host',
  'connection',
  'keep-alive',
  'content-length',
  'transfer-encoding',
  'te',
  'trailer',
  'upgrade',
  'expect',
  'proxy-connection',
  'http2-settings',
  LOAD_TEST_HEADER,
]);

/** One step's request; a request without expressions and cookies is made once. */
export class RequestTemplate {
  readonly #frame: RequestFrame;
  readonly #method: string;
  readonly #path: Parts;
  readonly #headers: readonly { readonly name: string; readonly value: Parts }[];
  readonly #body: BodyTemplate | undefined;
  readonly #constant: RenderedRequest | undefined;

  /** @throws MistakeAt an ExpressionError, or a RenderError for fixed text that can't stand where it does */
  constructor(step: Step, frame: RequestFrame, scope: Scope) {
    this.#frame = frame;
    this.#method = step.method ?? 'GET';
    const { body } = step;
    this.#path = mistakesAt(['path'], () => compileFixed(step.path, scope, checkPath));
    this.#body = body === undefined ? undefined : mistakesAt(['body'], () => compileBody(body, scope));
    const headers = new Map<string, string>();
    if (this.#body !== undefined) headers.set('content-type', this.#body.contentType);
    for (const [name, value] of [...Object.entries(frame.headers), ...Object.entries(step.headers ?? {})]) {
      headers.set(name.toLowerCase(), value);
    }
    headers.set(LOAD_TEST_HEADER, frame.runId.replaceAll('${', '$${'));
    this.#headers = [...headers].map(([name, value]) => ({
      name,
      value: mistakesAt(['headers', name], () => compileFixed(value, scope, checkHeader)),
    }));
    const fixed =
      isFixed(this.#path) &&
      this.#headers.every(({ value }) => isFixed(value)) &&
      (this.#body === undefined || isFixed(this.#body.parts));
    this.#constant = fixed ? this.#render(undefined) : undefined;
  }

  /**
   * Undefined when a value is missing.
   * @throws RenderError for a value that would break out of its place
   */
  render(context: RequestContext): RenderedRequest | undefined {
    const constant = this.#constant;
    if (constant === undefined) return this.#render(context);
    const cookie = context.cookieFor(constant.path);
    if (cookie === '') return constant;
    if (constant.headers !== undefined) return { ...constant, headers: { ...constant.headers, cookie } };
    // The cookie goes behind the request line and the host, which is as good a place as any.
    const at = constant.wire.indexOf('\r\n') + 2;
    return {
      ...constant,
      wire: `${constant.wire.slice(0, at)}cookie: ${cookie}\r\n${constant.wire.slice(at)}`,
    };
  }

  /** The request that follows a redirect; 303, and 301 and 302 after POST, become GET (RFC 9110, 15.4). */
  redirected(status: number, location: string, context: RequestContext): RenderedRequest | undefined {
    const toGet = status === 303 ? this.#method !== 'HEAD' : status < 303 && this.#method === 'POST';
    return this.#render(context, {
      method: toGet ? 'GET' : this.#method,
      path: location,
      withBody: !toGet,
    });
  }

  #render(
    context: RequestContext | undefined,
    instead?: { method: string; path: string; withBody: boolean },
  ): RenderedRequest | undefined {
    const path = instead?.path ?? renderParts(this.#path, context, encodePathValue);
    if (path === undefined) return undefined;
    checkPath(path);
    const method = instead?.method ?? this.#method;
    const withBody = this.#body !== undefined && (instead?.withBody ?? true);
    let body = '';
    if (withBody && this.#body !== undefined) {
      const rendered = renderParts(this.#body.parts, context, this.#body.encode);
      if (rendered === undefined) return undefined;
      body = toBytes(rendered);
    }
    const headers: [name: string, value: string][] = [];
    for (const { name, value } of this.#headers) {
      if (!withBody && name === 'content-type') continue;
      const rendered = renderParts(value, context, textOf);
      if (rendered === undefined) return undefined;
      checkHeader(rendered);
      headers.push([name, rendered]);
    }
    const cookie = context?.cookieFor(path) ?? '';
    if (cookie !== '') headers.push(['cookie', cookie]);
    // A request that may have a body says that it has none (RFC 9110, 8.6).
    if (withBody || method === 'POST' || method === 'PUT' || method === 'PATCH') {
      headers.push(['content-length', String(body.length)]);
    }
    const { version, authority, secure, keepAlive } = this.#frame;
    if (version === 2) {
      const pseudo = {
        ':method': method,
        ':scheme': secure ? 'https' : 'http',
        ':authority': authority,
        ':path': path,
      };
      return { wire: body, headers: { ...pseudo, ...Object.fromEntries(headers) }, method, path };
    }
    let wire = `${method} ${path} HTTP/1.1\r\nhost: ${authority}\r\n${keepAlive ? '' : 'connection: close\r\n'}`;
    for (const [name, value] of headers) wire += `${name}: ${value}\r\n`;
    return { wire: `${wire}\r\n${body}`, headers: undefined, method, path };
  }
}

/** Compiles a template and checks it at once where it holds no expression. */
function compileFixed(text: string, scope: Scope, check: (text: string) => void): Parts {
  const parts = compileTemplate(text, scope);
  if (isFixed(parts)) check(parts.map(textOf).join(''));
  return parts;
}

interface BodyTemplate {
  readonly parts: Parts;
  readonly encode: (value: unknown) => string;
  readonly contentType: string;
}

function compileBody(body: StepBody, scope: Scope): BodyTemplate {
  if (body.json !== undefined) {
    const parts: TemplatePart[] = [];
    compileJson(body.json, scope, parts);
    return { parts: joined(parts), encode: jsonOf, contentType: body.contentType ?? 'application/json' };
  }
  if (body.form !== undefined) {
    const parts = Object.entries(body.form).flatMap(
      ([name, value], at): Parts => [
        `${at === 0 ? '' : '&'}${encodeURIComponent(name)}=`,
        ...compileTemplate(value, scope).map((part) => (typeof part === 'string' ? encodeURIComponent(part) : part)),
      ],
    );
    return {
      parts: joined(parts),
      encode: encodePathValue,
      contentType: body.contentType ?? 'application/x-www-form-urlencoded',
    };
  }
  return {
    parts: compileTemplate(body.text ?? '', scope),
    encode: textOf,
    contentType: body.contentType ?? 'text/plain; charset=utf-8',
  };
}

/** Appends the JSON text of a value; a string that is one expression alone becomes that expression's value, of whatever type. */
function compileJson(value: DataValue, scope: Scope, parts: TemplatePart[]): void {
  if (typeof value === 'string') {
    const inner = compileTemplate(value, scope);
    const [only] = inner;
    if (inner.length === 1 && only !== undefined && typeof only !== 'string') {
      parts.push({ evaluate: only.evaluate, raw: false });
      return;
    }
    parts.push('"');
    for (const part of inner) {
      if (typeof part === 'string') parts.push(JSON.stringify(part).slice(1, -1));
      else parts.push({ evaluate: (context) => insideString(part.evaluate(context)), raw: false });
    }
    parts.push('"');
  } else if (isList(value)) {
    parts.push('[');
    value.forEach((item, at) => {
      if (at > 0) parts.push(',');
      compileJson(item, scope, parts);
    });
    parts.push(']');
  } else if (typeof value === 'object' && value !== null) {
    parts.push('{');
    Object.entries(value).forEach(([name, item], at) => {
      parts.push(`${at > 0 ? ',' : ''}${JSON.stringify(name)}:`);
      compileJson(item, scope, parts);
    });
    parts.push('}');
  } else {
    parts.push(JSON.stringify(value));
  }
}

/** A value inside a JSON string; kept apart from the values that are whole JSON values. */
class StringPiece {
  readonly text: string;

  constructor(text: string) {
    this.text = text;
  }
}

function insideString(value: unknown): StringPiece | undefined {
  return value === undefined ? undefined : new StringPiece(JSON.stringify(textOf(value)).slice(1, -1));
}

function jsonOf(value: unknown): string {
  return value instanceof StringPiece ? value.text : JSON.stringify(value);
}

function isList(value: DataValue): value is readonly DataValue[] {
  return Array.isArray(value);
}

/** Neighbouring texts in one. */
function joined(parts: Parts): Parts {
  const result: TemplatePart[] = [];
  for (const part of parts) {
    const last = result.at(-1);
    if (typeof part === 'string' && typeof last === 'string') result[result.length - 1] = last + part;
    else result.push(part);
  }
  return result;
}

function isFixed(parts: Parts): boolean {
  return parts.every((part) => typeof part === 'string');
}

/** Undefined when a value is missing. */
export function renderParts(
  parts: Parts,
  context: ExpressionContext | undefined,
  encode: (value: unknown) => string,
): string | undefined {
  let text = '';
  for (const part of parts) {
    if (typeof part === 'string') text += part;
    else {
      const value = context === undefined ? undefined : part.evaluate(context);
      if (value === undefined) return undefined;
      text += part.raw ? textOf(value) : encode(value);
    }
  }
  return text;
}

function encodePathValue(value: unknown): string {
  return encodeURIComponent(textOf(value));
}

/** The UTF-8 bytes of a text, each as a character. */
function toBytes(text: string): string {
  return Buffer.byteLength(text) === text.length ? text : Buffer.from(text).toString('latin1');
}

const PATH = /^\/(?!\/)[\x21\x22\x24-\x7e]*$/;
const HEADER = /^[\t\x20-\x7e]*$/;

/** @throws RenderError for a path that is not one of the target's own, or that would end the request line. */
export function checkPath(path: string): void {
  if (!PATH.test(path))
    throw new RenderError('the path does not begin with one "/" or holds spaces or other characters');
}

/** @throws RenderError for a value that would begin another header. */
function checkHeader(value: string): void {
  if (!HEADER.test(value)) throw new RenderError('a header value holds a line break or a character beyond ASCII');
}
