import { createPool, schemaName } from '../../apps/teamflow/server/database/database.ts';
import { migrate } from '../../apps/teamflow/server/database/migrate.ts';
import { ensureSampleData, sampleOrganizationId, sampleUserId } from '../../apps/teamflow/server/sample/sample-data.ts';
import type { BenchDatabase, Pick } from './bench-database.ts';

const questions = (organizations: number, tasks: number): readonly ((pick: Pick) => string)[] => {
  // One organization has most of the tasks: ranks follow a power law, as its sample data does.
  const rank = (pick: Pick): number => pick.skewed(organizations, 2);
  const of = (pick: Pick): string => `'${sampleOrganizationId(1, rank(pick))}'`;
  const columns = `t.id, t.project_id, t.title, t.status, t.priority, t.assignee_id, u.name, t.due_on, t.labels, t.created_at, t.updated_at`;
  const list = `SELECT ${columns} FROM tasks t LEFT JOIN users u ON u.id = t.assignee_id WHERE t.organization_id`;
  return [
    (pick) => `${list} = ${of(pick)} ORDER BY t.created_at DESC, t.id DESC LIMIT 51`,
    (pick) => `${list} = ${of(pick)} ORDER BY t.updated_at DESC, t.id DESC LIMIT 51`,
    (pick) => `${list} = ${of(pick)} ORDER BY coalesce(t.due_on, 'infinity'::date), t.id LIMIT 51`,
    (pick) =>
      `${list} = ${of(pick)} ORDER BY array_position(array['urgent', 'high', 'medium', 'low', 'none'], t.priority), coalesce(t.due_on, 'infinity'::date), t.id LIMIT 51`,
    (pick) => `${list} = ${of(pick)} AND t.status = 'in_progress' ORDER BY t.created_at DESC, t.id DESC LIMIT 51`,
    (pick) =>
      `${list} = ${of(pick)} AND t.project_id = ${pick.even(20)} ORDER BY t.created_at DESC, t.id DESC LIMIT 51`,
    (pick) => {
      const one = rank(pick);
      return `${list} = '${sampleOrganizationId(1, one)}' AND t.assignee_id = '${sampleUserId(1, one, pick.even(8))}' ORDER BY t.created_at DESC, t.id DESC LIMIT 51`;
    },
    (pick) =>
      `${list} = ${of(pick)} AND t.labels @> array['bug']::text[] ORDER BY t.created_at DESC, t.id DESC LIMIT 51`,
    (pick) => `${list} = ${of(pick)} AND t.search @@ websearch_to_tsquery('english', 'invoice') LIMIT 20`,
    (pick) => `${list} = ${of(pick)} AND t.id = ${pick.even(tasks)}`,
    (pick) =>
      `SELECT status, count(*) FROM tasks WHERE organization_id = ${of(pick)} AND project_id = ${pick.even(20)} GROUP BY status`,
    (pick) =>
      `SELECT id, title, position FROM tasks WHERE organization_id = ${of(pick)} AND project_id = ${pick.even(20)} AND status = 'todo' ORDER BY position, id LIMIT 20`,
    (pick) =>
      `SELECT c.id, c.body, c.created_at, u.name FROM comments c LEFT JOIN users u ON u.id = c.author_id WHERE c.organization_id = ${of(pick)} AND c.task_id = ${pick.even(tasks)} ORDER BY c.created_at, c.id LIMIT 51`,
    (pick) => `SELECT count(*) FROM comments WHERE organization_id = ${of(pick)} AND task_id = ${pick.even(tasks)}`,
    (pick) =>
      `SELECT a.id, a.kind, a.detail, a.created_at FROM activity a WHERE a.organization_id = ${of(pick)} ORDER BY a.created_at DESC, a.id DESC LIMIT 51`,
    (pick) =>
      `SELECT a.id, a.kind, a.created_at FROM activity a WHERE a.organization_id = ${of(pick)} AND a.task_id = ${pick.even(tasks)} ORDER BY a.created_at DESC, a.id DESC LIMIT 51`,
    (pick) =>
      `SELECT count(*) FROM tasks WHERE organization_id = ${of(pick)} AND status NOT IN ('done', 'cancelled') AND coalesce(due_on, 'infinity'::date) < current_date`,
    (pick) =>
      `SELECT p.id, p.name FROM projects p WHERE p.organization_id = ${of(pick)} AND p.archived_at IS NULL ORDER BY p.name`,
    (pick) => {
      const one = rank(pick);
      return `SELECT organization_id, role FROM members WHERE user_id = '${sampleUserId(1, one, pick.even(8))}' ORDER BY created_at`;
    },
    (pick) =>
      `SELECT m.user_id, u.name, m.role FROM members m JOIN users u ON u.id = m.user_id WHERE m.organization_id = ${of(pick)} ORDER BY m.created_at, m.user_id LIMIT 51`,
    (pick) =>
      `UPDATE tasks SET status = 'done', completed_at = now(), updated_at = now() WHERE organization_id = ${of(pick)} AND id = ${pick.even(tasks)}`,
  ];
};

/** TeamFlow with all its indexes: small in the short form, medium (500,000 tasks, a million comments) in the full. */
export const teamflow: BenchDatabase = {
  name: 'TeamFlow',
  make: async (client, quick, url) => {
    const pool = createPool({ connectionString: url, max: 2 });
    try {
      await migrate(pool, 'full');
      const hashPassword = (): Promise<string> => Promise.resolve('none');
      await ensureSampleData(pool, { data: quick ? 'small' : 'medium', seed: 1, hashPassword });
    } finally {
      await pool.end();
    }
    // Sessions that follow find its tables without the schema.
    await client.query(
      `DO $$ BEGIN EXECUTE format('ALTER DATABASE %I SET search_path = ${schemaName}, public', current_database()); END $$`,
    );
    await client.query(`SET search_path = ${schemaName}, public`);
    await client.query('VACUUM ANALYZE');
  },
  questions: (quick) => (quick ? questions(10, 20_000) : questions(100, 500_000)),
};
