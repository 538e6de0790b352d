import { lazy, type ReactElement, Suspense } from 'react';
import type { Me, Organization } from '../api/wire.ts';
import { Dialog } from '../ui/dialog.tsx';
import { showOverlay, useOverlay } from './overlay.ts';
import { SideBar } from './side-bar.tsx';

const QuickSearch = lazy(async () => ({ default: (await import('./quick-search.tsx')).QuickSearch }));
const ShortcutsDialog = lazy(async () => ({ default: (await import('./shortcuts-dialog.tsx')).ShortcutsDialog }));
const NewProjectDialog = lazy(async () => ({
  default: (await import('../projects/new-project-dialog.tsx')).NewProjectDialog,
}));
const NewTaskDialog = lazy(async () => ({ default: (await import('../tasks/new-task-dialog.tsx')).NewTaskDialog }));

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
