import type { StatementCaller } from '../contract/code-place.ts';
import type { DatabaseFinding, SlowStatement } from '../contract/database.ts';
import { mayBePlannable } from '../contract/statement-plan.ts';
import type { PlanNode } from '../postgres/explain-statement.ts';
import { countText, percentText, sizeText } from './finding.ts';

type Finding = Omit<DatabaseFinding, 'subject'>;

/** From here on a statement that one request repeats is called N+1: lists of tens of rows are what repeats it. */
const MIN_CALLS_A_REQUEST = 5;
/** Where not each request does it, so many that do are no accident. */
const MIN_REPEATS = 3;
const MIN_SPILL_BYTES = 10_000_000;
const MIN_ROWS = 1_000;
const MIN_READ_BYTES = 10_000_000;
const MIN_PLAN_MS = 1;
const DEARER = 1.5;
const LONG_LIST = 500;
/** Estimate against measured, either way: planners are off by ten all the time, and come to the right plan. */
const MISJUDGED = 100;
const UNEVEN = 10;
/** Rows of one side times rows of the other; a million take about 50 ms. */
const MIN_COMPARED = 1_000_000;

/** What makes a statement slow, as its text and its numbers tell; what a plan tells is said with the plan. */
export function statementFindings(statement: Omit<SlowStatement, 'findings'>): readonly DatabaseFinding[] {
  const subject = statement.queryId ?? statement.statement ?? '';
  // Of COMMIT and DDL there is nothing to say but that they wait.
  if (!mayBePlannable(statement.text)) return slower(statement).map((finding) => ({ ...finding, subject }));
  return [
    ...repeated(statement),
    ...slower(statement),
    ...planned(statement),
    ...spilled(statement),
    ...wideRows(statement),
    ...missingLimit(statement),
    ...deepOffset(statement),
    ...functionOnColumn(statement),
    ...leadingWildcard(statement),
    ...longInList(statement),
    ...randomOrder(statement),
    ...dearPlanning(statement),
    ...coldReads(statement),
    ...uneven(statement),
  ].map((finding) => ({ ...finding, subject }));
}

type Judged = Omit<SlowStatement, 'findings'>;

function repeated({ routes, meanMs }: Judged): Finding[] {
  return routes.map((caller) => repeatedBy(caller, meanMs)).filter((finding) => finding !== null);
}

/** A route that sends a statement again and again in one request; null: it does not, or too seldom to say. */
export function repeatedBy(caller: StatementCaller, meanMs: number | null): Finding | null {
  const { route, callsPerRequest, repeats, callsPerRepeat, frames } = caller;
  const isEach = (callsPerRequest ?? 0) >= MIN_CALLS_A_REQUEST;
  if (!isEach && repeats < MIN_REPEATS) return null;
  const [place] = frames;
  const calls = callsPerRepeat ?? callsPerRequest ?? 0;
  const who = isEach ? `Each request of ${route} sends it` : `${countText(repeats)} requests of ${route} sent it`;
  return {
    kind: 'n-plus-one',
    severity: 'warning',
    message: `${who} ${countText(calls)} times${isEach || callsPerRequest === null ? '' : ' each'}${place === undefined ? '' : `, from ${place}`}.`,
    remedy: 'Ask once for all rows (WHERE id = ANY ($1), or a join) instead of once for each.',
    sql: null,
    evidence: { route, calls: Math.round(calls), repeats, place: place ?? null, meanMs },
  };
}

function slower({ trend }: Judged): Finding[] {
  const { state, meanMs, usualMeanMs, pagesPerCall, usualPagesPerCall } = trend;
  if (state !== 'slower' || meanMs === null || usualMeanMs === null) return [];
  const readsMore = pagesPerCall !== null && usualPagesPerCall !== null && pagesPerCall >= 1.5 * usualPagesPerCall;
  return [
    {
      kind: 'slower-than-usual',
      severity: 'warning',
      message: `In the last hour a call took ${millisText(meanMs)}; in the days before ${millisText(usualMeanMs)}.`,
      remedy: readsMore
        ? `It touches ${countText(pagesPerCall)} pages a call where it touched ${countText(usualPagesPerCall)}: its plan or its data changed. Look at its plan, and analyze its tables.`
        : 'It touches as many pages as before, so it waits: for a lock, the processor or the disk.',
      sql: null,
      evidence: { meanMs, usualMeanMs, pagesPerCall, usualPagesPerCall },
    },
  ];
}

/** A plan of which the planner itself believes that it is dearer, or that goes with calls that are slower. */
function planned({ trend }: Judged): Finding[] {
  const { state, planChange } = trend;
  if (planChange === null) return [];
  const { at, costBefore, cost } = planChange;
  if (state !== 'slower' && cost < DEARER * costBefore) return [];
  return [
    {
      kind: 'plan-changed',
      severity: 'warning',
      message: `Since ${at} it is carried out by another plan: estimated at a cost of ${countText(cost)}, the one before at ${countText(costBefore)}${state === 'slower' ? ', and its calls became slower' : ''}.`,
      remedy:
        'Compare the two plans on its page: an index that is gone, or statistics that are old, are what changes plans.',
      sql: null,
      evidence: { at, cost, costBefore, state },
    },
  ];
}

function millisText(ms: number): string {
  return `${Number(ms.toPrecision(3))} ms`;
}

function spilled({ tempBytes, calls }: Judged): Finding[] {
  if (tempBytes === null || tempBytes < MIN_SPILL_BYTES) return [];
  return [
    {
      kind: 'spilled',
      severity: 'warning',
      message: `It wrote ${sizeText(tempBytes)} of temporary files: a sort or hash did not fit into work_mem (${sizeText(tempBytes / calls)} a call).`,
      remedy: 'An index in the order of the sort spares it; else give this role more work_mem.',
      sql: null,
      evidence: { tempBytes, calls },
    },
  ];
}

function wideRows({ text, rowsPerCall }: Judged): Finding[] {
  if (!/^\s*select\s+(?:\w+\.)?\*/i.test(text) || (rowsPerCall ?? 0) < MIN_ROWS) return [];
  return [
    {
      kind: 'select-star',
      severity: 'info',
      message: `It takes every column of ${countText(rowsPerCall ?? 0)} rows a call.`,
      remedy: 'Name the columns that are used.',
      sql: null,
      evidence: { rowsPerCall },
    },
  ];
}

function missingLimit({ text, rowsPerCall }: Judged): Finding[] {
  if (!/^\s*(?:select|with)\b/i.test(text) || /\b(?:limit|fetch\s+first|count|for update)\b/i.test(text)) return [];
  if ((rowsPerCall ?? 0) < MIN_ROWS) return [];
  return [
    {
      kind: 'no-limit',
      severity: 'info',
      message: `It has no LIMIT and answers ${countText(rowsPerCall ?? 0)} rows a call.`,
      remedy: 'Page it by keyset, or read it by cursor where all rows are needed.',
      sql: null,
      evidence: { rowsPerCall },
    },
  ];
}

function deepOffset({ text, meanMs }: Judged): Finding[] {
  if (!/\boffset\s+(?:\$\d+|\?)/i.test(text) || meanMs < 10) return [];
  return [
    {
      kind: 'offset-paging',
      severity: 'info',
      message: 'It pages by OFFSET: rows that are skipped are read all the same, so deep pages are slow.',
      remedy: 'Page by keyset: WHERE (sort, id) > ($1, $2) ORDER BY sort, id LIMIT n.',
      sql: null,
      evidence: { meanMs },
    },
  ];
}

function functionOnColumn({ text, meanMs }: Judged): Finding[] {
  const found =
    /\b(?:where|and|or)\s+(lower|upper|date|date_trunc|coalesce|trim|to_char)\s*\([^()]*\)\s*(?:=|<|>|like|between)/i.exec(
      text,
    );
  if (found === null || meanMs < 10) return [];
  return [
    {
      kind: 'function-on-column',
      severity: 'info',
      message: `It compares ${found[1] ?? 'a function'}(...) of a column: an index on the column itself does not help.`,
      remedy: 'Index the expression, or write the comparison so that the column stands alone.',
      sql: null,
      evidence: { meanMs },
    },
  ];
}

function leadingWildcard({ text, meanMs }: Judged): Finding[] {
  if (
    !/\bi?like\s+(?:\$\d+|\?)\s*(?:\|\|)?/i.test(text) ||
    !/\b(?:ilike|like\s+(?:\$\d+|\?)\s*\|\|)/i.test(text) ||
    meanMs < 10
  )
    return [];
  return [
    {
      kind: 'pattern-search',
      severity: 'info',
      message: 'It searches by a pattern, for which a b-tree index is of no use.',
      remedy:
        'A trigram index serves patterns anywhere in the text: CREATE EXTENSION pg_trgm; an index USING gin (column gin_trgm_ops).',
      sql: null,
      evidence: { meanMs },
    },
  ];
}

function longInList({ listValues, meanMs }: Judged): Finding[] {
  if (listValues < LONG_LIST) return [];
  return [
    {
      kind: 'long-in-list',
      severity: 'info',
      message: `It comes with up to ${countText(listValues)} values in IN (...), if not more: each length is a statement of its own, parsed and planned anew.`,
      remedy: 'Send them as one array: WHERE column = ANY ($1).',
      sql: null,
      evidence: { listValues, meanMs },
    },
  ];
}

function randomOrder({ text }: Judged): Finding[] {
  if (!/\border\s+by\s+random\s*\(\s*\)/i.test(text)) return [];
  return [
    {
      kind: 'random-order',
      severity: 'info',
      message: 'It sorts every row at random to take a few.',
      remedy: 'TABLESAMPLE, or a random key with an index, costs the same for any size of table.',
      sql: null,
      evidence: {},
    },
  ];
}

function dearPlanning({ planMs, totalMs, calls }: Judged): Finding[] {
  if (planMs === null || calls < 100 || planMs / calls < MIN_PLAN_MS || planMs < totalMs) return [];
  return [
    {
      kind: 'dear-planning',
      severity: 'info',
      message: `Planning it takes longer (${(planMs / calls).toFixed(1)} ms a call) than carrying it out.`,
      remedy: 'Send it as a named (prepared) statement, so that its plan is kept.',
      sql: null,
      evidence: { planMs, totalMs },
    },
  ];
}

function coldReads({ bytesReadPerCall, cacheHitRatio, calls }: Judged): Finding[] {
  if ((bytesReadPerCall ?? 0) < MIN_READ_BYTES || calls < 10) return [];
  return [
    {
      kind: 'reads-much',
      severity: 'warning',
      message: `Each call reads ${sizeText(bytesReadPerCall ?? 0)} that are not in shared_buffers${cacheHitRatio === null ? '' : ` (${percentText(cacheHitRatio)} are)`}.`,
      remedy: 'Look at its plan: a whole table that is read for few rows wants an index.',
      sql: null,
      evidence: { bytesReadPerCall, cacheHitRatio },
    },
  ];
}

function uneven({ p50Ms, p99Ms, calls }: Judged): Finding[] {
  if (p50Ms === null || p99Ms === null || calls < 1000 || p99Ms < 100 || p99Ms < p50Ms * UNEVEN) return [];
  return [
    {
      kind: 'uneven',
      severity: 'info',
      message: `One call in a hundred takes ${Math.round(p99Ms)} ms, half of them under ${Math.max(1, Math.round(p50Ms))} ms: some parameters, or waits for locks, cost more than others.`,
      remedy: 'See whether the slow ones belong to one tenant, or stand behind a lock.',
      sql: null,
      evidence: { p50Ms, p99Ms },
    },
  ];
}

/** What a plan tells: `rowsOf` gives the rows of a table by its name; `workMemBytes` is what a sort may take. */
export function planFindings(
  queryId: string,
  root: PlanNode,
  rowsOf: (table: string) => number | null,
  workMemBytes: number,
  rowsPerCall: number | null = null,
): readonly DatabaseFinding[] {
  const findings: DatabaseFinding[] = [];
  const expected = Math.max(1, root['Plan Rows']);
  const measured = Math.max(1, rowsPerCall ?? expected);
  // A limit that is a parameter is guessed at a tenth of the rows; of what writes the plan's own rows are none.
  const isJudged = !['Limit', 'ModifyTable', 'LockRows'].includes(root['Node Type']);
  if (isJudged && Math.max(expected, measured) >= MISJUDGED * Math.min(expected, measured)) {
    findings.push({
      kind: 'bad-estimate',
      severity: 'warning',
      subject: queryId,
      message: `The planner expects ${countText(expected)} rows; calls answered ${countText(measured)} on average. What is chosen for the one is slow for the other.`,
      remedy:
        'Analyze its tables; where columns depend on each other, CREATE STATISTICS on them together; where values are very uneven, a larger statistics target.',
      sql: null,
      evidence: { expectedRows: expected, rowsPerCall: measured },
    });
  }
  const visit = (node: PlanNode): void => {
    const table = node['Relation Name'];
    const rows = table === undefined ? null : rowsOf(table);
    if (node['Node Type'].endsWith('Seq Scan') && node.Filter !== undefined && table !== undefined && rows !== null) {
      if (rows >= 10_000 && node['Plan Rows'] <= rows / 20) {
        findings.push({
          kind: 'scan-for-few-rows',
          severity: 'warning',
          subject: queryId,
          message: `All ${countText(rows)} rows of ${table} are read for about ${countText(node['Plan Rows'])}: ${node.Filter}.`,
          remedy: 'An index on the columns of the condition finds them.',
          sql: null,
          evidence: { table, rows, expectedRows: node['Plan Rows'], filter: node.Filter },
        });
      }
      const cast = /\((\w+)\)::(\w+)\s*(?:=|<|>)/.exec(node.Filter);
      if (cast !== null && rows >= 10_000 && ['numeric', 'text', 'double'].includes(cast[2] ?? '')) {
        findings.push({
          kind: 'implicit-cast',
          severity: 'info',
          subject: queryId,
          message: `${table}.${cast[1]} is turned into ${cast[2]} before it is compared, so its index can't be used.`,
          remedy: 'Send the parameter in the type of the column.',
          sql: null,
          evidence: { table, filter: node.Filter },
        });
      }
    }
    const sortBytes = node['Plan Rows'] * (node['Plan Width'] + 24);
    if (node['Node Type'] === 'Sort' && sortBytes > workMemBytes) {
      findings.push({
        kind: 'sort-over-work-mem',
        severity: 'info',
        subject: queryId,
        message: `About ${sizeText(sortBytes)} are sorted, more than work_mem (${sizeText(workMemBytes)}): it spills to files.`,
        remedy: 'An index in this order spares the sort.',
        sql: null,
        evidence: { sortBytes, workMemBytes },
      });
    }
    const [outer, beside] = node.Plans ?? [];
    // What is read again and again is kept aside, whole.
    const inner = beside?.['Node Type'] === 'Materialize' ? beside.Plans?.[0] : beside;
    if (node['Node Type'] === 'Nested Loop' && inner?.['Node Type'] === 'Seq Scan') {
      const innerRows = rowsOf(inner['Relation Name'] ?? '') ?? 0;
      if (innerRows >= MIN_ROWS && innerRows * (outer?.['Plan Rows'] ?? 0) >= MIN_COMPARED) {
        findings.push({
          kind: 'nested-scan',
          severity: 'warning',
          subject: queryId,
          message: `For each of about ${countText(outer?.['Plan Rows'] ?? 0)} rows all ${countText(innerRows)} of ${inner['Relation Name'] ?? ''} are looked through.`,
          remedy: 'Index the columns that join them.',
          sql: null,
          evidence: { table: inner['Relation Name'] ?? '', rows: innerRows, outerRows: outer?.['Plan Rows'] ?? 0 },
        });
      }
    }
    for (const child of node.Plans ?? []) visit(child);
  };
  visit(root);
  return findings;
}
