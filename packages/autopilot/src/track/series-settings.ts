import type { SettingsConsumer } from '../config/live-settings.ts';
import type { Collector } from './collector.ts';
import type { StatementRegistry } from './statement-registry.ts';

/** Bounds what is told apart by monitoring.max... and monitoring.statementTextBytes. */
export function seriesSettings(collector: Collector, statements: StatementRegistry): SettingsConsumer {
  return {
    name: 'the collector',
    apply: ({
      monitoring: {
        maxRoutes,
        maxTenants,
        maxStatements,
        maxRouteStatements,
        maxCompressionSeries,
        statementTextBytes,
      },
    }) => {
      collector.setLimits({
        route: maxRoutes,
        tenant: maxTenants,
        statement: maxStatements,
        'route-statement': maxRouteStatements,
        compression: maxCompressionSeries,
      });
      statements.setLimits({
        statements: maxStatements,
        textLength: statementTextBytes,
        rawLength: statementTextBytes,
      });
    },
  };
}
