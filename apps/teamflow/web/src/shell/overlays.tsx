import { type ComponentType, lazy, type ReactElement, Suspense, useEffect, useState } from 'react';
import type { Me, Organization } from '../api/wire.ts';
import { Dialog } from '../ui/dialog.tsx';
import { showOverlay, useOverlay } from './overlay.ts';
import { SideBar } from './side-bar.tsx';

/** A part that is loaded when it is first drawn, or before; once it is there it is drawn without waiting. */
interface LaterPart<Props> {
  readonly Part: (props: Props) => ReactElement;
  load(): Promise<unknown>;
}

function later<Props extends object>(load: () => Promise<ComponentType<Props>>): LaterPart<Props> {
  let loaded: ComponentType<Props> | null = null;
  const loadOnce = async (): Promise<{ default: ComponentType<Props> }> => {
    loaded = await load();
    return { default: loaded };
  };
  const Lazy = lazy(loadOnce);
  return {
    load: loadOnce,
    Part: (props) => {
      // React shows what it had to wait for a third of a second later, and what is typed until then is lost.
      const [Ready] = useState<ComponentType<Props>>(() => loaded ?? Lazy);
      return <Ready {...props} />;
    },
  };
}

const search = later(async () => (await import('./quick-search.tsx')).QuickSearch);
const newTask = later(async () => (await import('../tasks/new-task-dialog.tsx')).NewTaskDialog);
const ShortcutsDialog = lazy(async () => ({ default: (await import('./shortcuts-dialog.tsx')).ShortcutsDialog }));
const NewProjectDialog = lazy(async () => ({
  default: (await import('../projects/new-project-dialog.tsx')).NewProjectDialog,
}));

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
      for (const part of [search, newTask]) part.load().catch(() => {});
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
      return <search.Part me={me} organization={organization} organizations={organizations} onClose={close} />;
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
        <newTask.Part
          organization={organization}
          projectId={overlay.projectId}
          status={overlay.status}
          onClose={close}
        />
      );
  }
}
