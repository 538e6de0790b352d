import { countText, durationText, percentText } from './finding.ts';
import { type ApplicationSeen, recommendedTrial } from './recommended-application.ts';
import { leave, type WorkedOut } from './worked-out.ts';

/** What pages of lists came to, and what they may have now. */
export interface PagingSeen {
  readonly measuredMs: number;
  readonly pages: number;
  readonly rows: number;
  readonly totalMs: number;
  /** Of callers that named no limit; with a page after them; that went on from another one. */
  readonly byDefault: number;
  readonly byDefaultMore: number;
  readonly byDefaultFollowed: number;
  /** Cut because more would have taken longer than they may. */
  readonly overTime: number;
  readonly defaultLimit: number;
  readonly maxLimit: number;
  readonly durationMs: number;
}

const HOUR_MS = 3_600_000;
/** Fewer pages say nothing of what callers do. */
const ENOUGH_PAGES = 200;
/** One page in a hundred that takes as long as it may is what callers notice. */
const OVER_TIME = 0.01;
const LEAST_MS = 100;
/** So few read on: most of what they were sent is not looked at. */
const SELDOM = 0.1;
/** Who reads on so often wants the whole list. */
const OFTEN = 0.6;
/** Pages that are all of their list would be cut in two for nothing. */
const MOSTLY_MORE = 0.5;
const LEAST_ROWS = 10;
/** What a page costs besides its rows is not saved. */
const OF_ROWS = 0.5;
const TIME_MEANS = 'A rule with figures: how many pages were cut because they took as long as they may.';
const ROWS_MEANS = 'A rule with figures: of the pages that nobody named a limit for, how many went on to the next.';

/** How many rows a page has, and how long it may take. */
export function recommendedPaging(database: string, paging: PagingSeen, seen: ApplicationSeen): readonly WorkedOut[] {
  return [recommendedDuration(database, paging, seen), recommendedRows(database, paging, seen)];
}

function recommendedDuration(database: string, paging: PagingSeen, seen: ApplicationSeen): WorkedOut {
  const { pages, overTime, durationMs, measuredMs } = paging;
  const left = (reason: string): WorkedOut =>
    leave(database, { category: 'application', subject: 'Time of a page', reason, means: TIME_MEANS });
  if (pages < ENOUGH_PAGES) return left(tooFew(pages, 'pages were read'));
  const share = overTime / pages;
  const words = `${percentText(share)} of ${countText(pages)} pages in the last ${durationText(measuredMs)} were cut because more would have taken longer than ${durationText(durationMs)}.`;
  const value = Math.max(LEAST_MS, Math.round(durationMs / 2));
  if (share < OVER_TIME) return left(words);
  if (value >= durationMs)
    return left(`${words} They may take little enough: the rows are dear, see the advice on indexes.`);
  return recommendedTrial(database, seen, {
    subject: `paging.durationMs from ${durationMs} to ${value}`,
    key: 'paging.durationMs',
    value,
    before: durationMs,
    reason: `${words} Half as long makes two pages of each of them, and no request holds a connection for longer.`,
    evidence: ['Whoever reads on gets the same rows in more pages; others get an answer in half the time.'],
    obstacle: null,
    savedMsPerHour: (overTime * (durationMs - value) * HOUR_MS) / measuredMs,
    aim: 'gain',
    risk: 'low',
    means: TIME_MEANS,
  });
}

function recommendedRows(database: string, paging: PagingSeen, seen: ApplicationSeen): WorkedOut {
  const { byDefault, byDefaultMore, byDefaultFollowed, rows, totalMs, measuredMs, defaultLimit, maxLimit } = paging;
  const left = (reason: string): WorkedOut =>
    leave(database, { category: 'application', subject: 'Rows of a page', reason, means: ROWS_MEANS });
  if (byDefault < ENOUGH_PAGES) return left(tooFew(byDefault, 'pages were read without a limit of the caller'));
  const more = byDefaultMore / byDefault;
  const followed = byDefaultMore === 0 ? 0 : Math.min(1, byDefaultFollowed / byDefaultMore);
  const words = `Of ${countText(byDefault)} pages without a limit of the caller ${percentText(more)} had a further page, and of those ${percentText(followed)} were followed by it.`;
  const rowMs = rows === 0 ? 0 : totalMs / rows;
  const trial = (
    value: number,
    what: Pick<Parameters<typeof recommendedTrial>[2], 'reason' | 'obstacle' | 'savedMsPerHour'>,
  ): WorkedOut =>
    recommendedTrial(database, seen, {
      subject: `paging.defaultLimit from ${defaultLimit} to ${value}`,
      key: 'paging.defaultLimit',
      value,
      before: defaultLimit,
      evidence: [`A row takes ${Number(rowMs.toPrecision(2))} ms of a page, with what a page costs besides.`],
      aim: 'gain',
      risk: 'low',
      means: ROWS_MEANS,
      ...what,
    });
  const fewer = Math.max(LEAST_ROWS, Math.round(defaultLimit / 2));
  if (more >= MOSTLY_MORE && followed <= SELDOM && fewer < defaultLimit) {
    return trial(fewer, {
      reason: `${words} Half as many rows are what most callers look at.`,
      obstacle: null,
      savedMsPerHour: (byDefault * (defaultLimit - fewer) * rowMs * OF_ROWS * HOUR_MS) / measuredMs,
    });
  }
  const larger = Math.min(2 * defaultLimit, maxLimit);
  if (followed >= OFTEN && larger > defaultLimit) {
    return trial(larger, {
      reason: `${words} Callers read on: twice as many rows take half as many requests.`,
      obstacle:
        'Each request would take longer and there would be fewer of them, which a trial by the time a request takes can not judge: set it by hand.',
      savedMsPerHour: 0,
    });
  }
  return left(words);
}

function tooFew(count: number, what: string): string {
  return `${count === 0 ? 'No' : countText(count)} ${what} in the last day by a pager with \`limits: agent.paging\`: too few to say anything of them.`;
}
