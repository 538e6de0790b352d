import { useQuery } from '@tanstack/react-query';
import type { Recommendation, RecommendationList, TrialList } from '@teamflow/autopilot/contract';
import { type ReactElement, useState } from 'react';
import { momentText } from '../format/time.ts';
import { failureOf } from '../live/shared-stream.ts';
import { api } from '../session/api.ts';
import { PageSteps } from '../shell/page-steps.tsx';
import { ProblemPanel } from '../shell/problem-panel.tsx';
import { useSelection } from '../shell/use-selection.ts';
import { Ledger } from './ledger.tsx';
import { RecommendationCard } from './recommendation-card.tsx';
import { TrialTable } from './trial-table.tsx';
import { TrySetting } from './try-setting.tsx';
import '../overview/overview.css';
import '../overview/tables.css';
import '../load/load.css';
import './tuning.css';

const ASK_EVERY_MS = 3000;
/** Of a page, those that save most first. */
const RECOMMENDATIONS = 25;
/** Changes that the ledger shows. */
const LEDGER = 200;
const LEDGER_EVERY_MS = 15_000;

/** What could be changed, what is being tried, and what was predicted and measured. */
export function TuningPage(): ReactElement {
  const { service } = useSelection();
  const [cursor, setCursor] = useState<string | null>(null);
  const about = service === null ? {} : { service };
  const [advice, setAdvice] = useState<string | null>(null);
  const asked = { ...about, limit: RECOMMENDATIONS, ...(advice === null ? {} : { cursor: advice }) };
  const recommended = useQuery({
    queryKey: ['recommendations', asked],
    queryFn: ({ signal }): Promise<RecommendationList> => api.listRecommendations(asked, { signal }),
    refetchInterval: ASK_EVERY_MS,
    placeholderData: (before) => before,
  });
  const query = { ...about, limit: 20, ...(cursor === null ? {} : { cursor }) };
  const trials = useQuery({
    queryKey: ['trials', query],
    queryFn: ({ signal }): Promise<TrialList> => api.listTrials(query, { signal }),
    refetchInterval: ASK_EVERY_MS,
  });
  const ledger = useQuery({
    queryKey: ['ledger', about],
    queryFn: ({ signal }): Promise<TrialList> => api.listTrials({ ...about, limit: LEDGER }, { signal }),
    refetchInterval: LEDGER_EVERY_MS,
  });
  const error = recommended.error ?? trials.error;
  if (error !== null && recommended.data === undefined) {
    const again = (): void => {
      void recommended.refetch();
      void trials.refetch();
    };
    return <ProblemPanel title="The recommendations can not be shown" failure={failureOf(error)} onRetry={again} />;
  }
  const list = recommended.data;
  return (
    <div className="overview load-page" aria-busy={list === undefined}>
      <h1 tabIndex={-1}>Tuning</h1>
      {trials.data?.stopped != null && (
        <p className="load-reason">The autopilot changes nothing by itself: {trials.data.stopped}</p>
      )}
      {list !== undefined && (
        <>
          <p className="load-quiet" role="status">
            {standOf(list)}
          </p>
          {list.recommendations.filter(isChange).map((one) => (
            <RecommendationCard
              key={one.id}
              recommendation={one}
              about={about}
              onChange={() => void recommended.refetch()}
            />
          ))}
          <LeftAsItIs all={list.recommendations.filter((one) => !isChange(one))} />
          <PageSteps
            label="Pages of recommendations"
            page={list.page}
            onStep={setAdvice}
            words={['Those that save more', 'Those that save less']}
          />
          {list.notes.map((note) => (
            <p key={note} className="load-quiet">
              {note}
            </p>
          ))}
        </>
      )}
      <TrySetting about={about} />
      {ledger.data !== undefined && <Ledger trials={ledger.data.trials} calibration={ledger.data.calibration} />}
      {trials.data !== undefined && <TrialTable list={trials.data} onPage={setCursor} />}
    </div>
  );
}

function isChange({ verdict }: Recommendation): boolean {
  return verdict === 'change';
}

/** What should not be changed, each with its reason. */
function LeftAsItIs({ all }: { readonly all: readonly Recommendation[] }): ReactElement {
  if (all.length === 0) return <></>;
  return (
    <section className="card tuning-card" aria-labelledby="left-as-it-is">
      <h2 className="card-title" id="left-as-it-is">
        Left as it is
      </h2>
      <dl className="tuning-left">
        {all.map(({ id, subject, reason, evidence, means }) => (
          <div key={id}>
            <dt>{subject}</dt>
            <dd>
              {reason}
              {evidence.length > 0 && (
                <ul className="load-quiet">
                  {evidence.map((line) => (
                    <li key={line}>{line}</li>
                  ))}
                </ul>
              )}
              <span className="load-quiet">{means}</span>
            </dd>
          </div>
        ))}
      </dl>
    </section>
  );
}

function standOf({ computedAt, computing, changes: found }: RecommendationList): string {
  const at = computedAt === null ? '' : `, as of ${momentText(Date.parse(computedAt), 0)}`;
  if (computing) return computedAt === null ? 'Working out what could be changed …' : `Working it out anew${at} …`;
  return `${found === 1 ? 'One change is' : `${found} changes are`} recommended${at}.`;
}
