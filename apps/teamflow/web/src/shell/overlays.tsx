import { lazy, type ReactElement, Suspense, useEffect } from 'react';
import type { Me, Organization } from '../api/wire.ts';
import type { NewTaskDialog as TaskDialog } from '../tasks/new-task-dialog.tsx';
import { Dialog } from '../ui/dialog.tsx';
import { showOverlay, useOverlay } from './overlay.ts';
import type { QuickSearch as QuickSearchDialog } from './quick-search.tsx';
import { SideBar } from './side-bar.tsx';

const loadQuickSearch = async (): Promise<{ default: typeof QuickSearchDialog }> => ({
  default: (await import('./quick-search.tsx')).QuickSearch,
});
const QuickSearch = lazy(loadQuickSearch);
const ShortcutsDialog = lazy(async () => ({ default: (await import('./shortcuts-dialog.tsx')).ShortcutsDialog }));
const NewProjectDialog = lazy(async () => ({
  default: (await import('../projects/new-project-dialog.tsx')).NewProjectDialog,
}));
const loadNewTask = async (): Promise<{ default: typeof TaskDialog }> => ({
  default: (await import('../tasks/new-task-dialog.tsx')).NewTaskDialog,
});
const NewTaskDialog = lazy(loadNewTask);

/** When the page itself has been loaded: what is typed into right after its key is there by then. */
const LOAD_AFTER_MS = 1_000;

interface OverlaysProps {
  readonly me: Me;
  readonly organization: Organization | undefined;
  readonly organizations: readonly Organization[];
}

function close(): void {
  showOverlay(null);
}

/** What lies over the page at the moment. */
export function Overlays(props: OverlaysProps): ReactElement {
  useEffect(() => {
    const timer = setTimeout(() => {
      // What can't be loaded now is tried again when it is asked for.
      for (const load of [loadQuickSearch, loadNewTask]) load().catch(() => {});
    }, LOAD_AFTER_MS);
    return () => clearTimeout(timer);
  }, []);
  return (
    <Suspense fallback={null}>
      <Current {...props} />
    </Suspense>
  );
}

function Current({ me, organization, organizations }: OverlaysProps): ReactElement | null {
  const overlay = useOverlay();
  switch (overlay?.kind) {
    case undefined:
      return null;
    case 'search':
      return <QuickSearch me={me} organization={organization} organizations={organizations} onClose={close} />;
    case 'shortcuts':
      return <ShortcutsDialog onClose={close} />;
    case 'menu':
      return (
        <Dialog title="Menu" className="menu-dialog" onClose={close}>
          <SideBar me={me} organization={organization} organizations={organizations} />
        </Dialog>
      );
    case 'new-project':
      return organization === undefined ? null : <NewProjectDialog organization={organization} onClose={close} />;
    case 'new-task':
      return organization === undefined ? null : (
        <NewTaskDialog
          organization={organization}
          projectId={overlay.projectId}
          status={overlay.status}
          onClose={close}
        />
      );
  }
}
