import { randomBytes } from 'node:crypto';
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { Settings } from '../config/registry.ts';
import type { RequestScope } from '../track/request-scope.ts';
import type { LoadReport, LoadReportFormat } from './load-report.ts';

const REQUEST_ID = 'x-request-id';
const SERVER_TIMING = 'server-timing';
const LOAD_REPORT = 'endpoint-load-metrics';
/** How a balancer says in which form it reads the report. */
const LOAD_REPORT_FORMAT = 'endpoint-load-metrics-format';

/** Makes this process's ids unlike those of any other: 72 random bits. */
const idPrefix = randomBytes(9).toString('base64url');
let idsMade = 0;

/** An id that finds one request in the logs of everything it passed. A name, not a secret: the next one can be guessed. */
export function makeRequestId(): string {
  return `${idPrefix}.${(++idsMade).toString(36)}`;
}

/** Whether an id may be taken over: what is written into every log line must not be long, nor hold anything odd. */
function isRequestId(given: unknown): given is string {
  return typeof given === 'string' && /^[\w\-.:+/=]{1,128}$/.test(given);
}

/** Whether the request came through a proxy that the application trusts: Fastify lists more than one address only then. */
function cameThroughProxy(request: FastifyRequest): boolean {
  return request.ips !== undefined && request.ips.length > 1;
}

function isFor(audience: Settings['answers']['requestId'], request: FastifyRequest): boolean {
  return audience === 'everyone' || (audience === 'proxies' && cameThroughProxy(request));
}

/** Takes over the id that a trusted proxy gave the request; anybody else's would let them write into our logs. */
export function adoptRequestId(request: FastifyRequest): void {
  const given = request.headers[REQUEST_ID];
  if (given === undefined || !isRequestId(given) || !cameThroughProxy(request)) return;
  request.id = given;
  request.log = request.server.log.child({ reqId: given });
}

/** What is known of an answer when its head is sent. */
export interface Answered {
  /** null: nobody measures this request. */
  readonly scope: RequestScope | null;
  readonly startedAtMs: number;
  readonly atMs: number;
  readonly codingMs: number;
}

/** Writes the headers that say how an answer came about; `others` is what the application has said in Server-Timing. */
export function describeAnswer(
  set: (name: string, value: string) => void,
  request: FastifyRequest,
  answered: Answered,
  { answers }: Settings,
  report: LoadReport,
  others: unknown,
): void {
  if (isFor(answers.requestId, request)) set(REQUEST_ID, request.id);
  if (isFor(answers.serverTiming, request)) {
    const timing = serverTiming(answered);
    set(SERVER_TIMING, typeof others === 'string' && others !== '' ? `${others}, ${timing}` : timing);
  }
  if (answers.loadReport !== 'off' && isFor(answers.loadReport, request)) {
    set(LOAD_REPORT, report.header(formatFor(request)));
  }
}

/** Whether no answer says how it came about: then nothing of that need be found out. */
export function isSilent({ answers }: Settings): boolean {
  return answers.requestId === 'off' && answers.serverTiming === 'off' && answers.loadReport === 'off';
}

/** The same for an answer of Fastify's. */
export function describeReply(
  request: FastifyRequest,
  reply: FastifyReply,
  answered: Answered,
  settings: Settings,
  report: LoadReport,
): void {
  const set = (name: string, value: string): void => {
    // An application that names its requests itself keeps its names.
    if (name !== REQUEST_ID || !reply.hasHeader(name)) void reply.header(name, value);
  };
  describeAnswer(set, request, answered, settings, report, reply.getHeader(SERVER_TIMING));
}

function formatFor({ headers }: FastifyRequest): LoadReportFormat {
  const asked = headers[LOAD_REPORT_FORMAT];
  return typeof asked === 'string' && asked.toUpperCase() === 'JSON' ? 'JSON' : 'TEXT';
}

/** W3C Server Timing: durations in ms, to hundredths. */
function serverTiming({ scope, startedAtMs, atMs, codingMs }: Answered): string {
  let timing = `total;dur=${hundredths(atMs - startedAtMs)}`;
  if (scope !== null && scope.databaseCalls > 0) {
    timing += `, db;dur=${hundredths(scope.databaseMs(atMs))};desc="${scope.databaseCalls} calls"`;
  }
  if (codingMs > 0) timing += `, compress;dur=${hundredths(codingMs)}`;
  return timing;
}

function hundredths(ms: number): number {
  return Math.round(ms * 100) / 100;
}
