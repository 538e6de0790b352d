import { type ComponentType, type LazyExoticComponent, lazy } from 'react';

/** A page whose code is in a file of its own. */
export interface PageCode<Props extends object> {
  /** Draws it; suspends while the code is on its way. */
  readonly Page: LazyExoticComponent<ComponentType<Props>>;
  /** Asks for the code before it is drawn. What goes wrong is left to the drawing. */
  readonly fetch: () => void;
}

/** The page that `load` brings, asked for once, by the first that needs it. */
export function pageCode<Props extends object>(load: () => Promise<ComponentType<Props>>): PageCode<Props> {
  let coming: Promise<{ readonly default: ComponentType<Props> }> | null = null;
  const once = (): Promise<{ readonly default: ComponentType<Props> }> => {
    if (coming === null) {
      coming = load().then((page) => ({ default: page }));
      coming.catch(() => {
        // Asked for ahead of time in vain, it is asked for again when it is opened.
        coming = null;
      });
    }
    return coming;
  };
  return {
    Page: lazy(once),
    fetch: () => {
      once().catch(() => {});
    },
  };
}
