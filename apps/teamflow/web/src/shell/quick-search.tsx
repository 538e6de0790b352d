import { useQuery } from '@tanstack/react-query';
import { type KeyboardEvent, type ReactElement, type ReactNode, useEffect, useId, useRef, useState } from 'react';
import { useLocation } from 'wouter';
import { organizationPath, useProjects } from '../api/queries.ts';
import { request, searchOf } from '../api/request.ts';
import type { Listed, Me, Organization, SearchHit } from '../api/wire.ts';
import { organizationAddress } from '../organizations/organization.tsx';
import { Dialog } from '../ui/dialog.tsx';
import { BuildingIcon, NextIcon, ProjectsIcon } from '../ui/icons.tsx';
import { StatusMark } from '../ui/task-marks.tsx';
import './quick-search.css';

/** How long the reader must pause before the service is asked. */
const pauseMs = 140;
const mostPlaces = 6;

interface QuickSearchProps {
  readonly me: Me;
  readonly organization: Organization | undefined;
  readonly organizations: readonly Organization[];
  readonly onClose: () => void;
}

interface Place {
  readonly address: string;
  readonly name: string;
  readonly note: string;
  readonly icon: ReactNode;
}

/** Goes to a page, a project or a task by a few letters of its name or words in it. */
export function QuickSearch(props: QuickSearchProps): ReactElement {
  const { onClose } = props;
  const [text, setText] = useState('');
  const [chosen, setChosen] = useState(0);
  const [, navigate] = useLocation();
  const field = useRef<HTMLInputElement>(null);
  const listId = useId();
  useEffect(() => field.current?.focus(), []);
  const { places, isBusy } = usePlaces(text.trim(), props);
  const current = Math.min(chosen, places.length - 1);

  const go = (place: Place | undefined): void => {
    if (place === undefined) return;
    onClose();
    if (place.address.startsWith('/autopilot')) location.assign(place.address);
    else navigate(place.address);
  };
  const pressed = (event: KeyboardEvent): void => {
    const by = event.key === 'ArrowDown' ? 1 : event.key === 'ArrowUp' ? -1 : 0;
    if (by !== 0) {
      event.preventDefault();
      setChosen((current + by + places.length) % Math.max(1, places.length));
    } else if (event.key === 'Enter') {
      event.preventDefault();
      go(places[current]);
    }
  };
  return (
    <Dialog title="Search and go anywhere" className="quick-search" onClose={onClose}>
      <input
        ref={field}
        type="text"
        role="combobox"
        aria-expanded="true"
        aria-controls={listId}
        aria-activedescendant={places.length === 0 ? undefined : `${listId}-${current}`}
        aria-label="Search and go anywhere"
        placeholder="A task, a project, a page ..."
        autoComplete="off"
        spellCheck={false}
        maxLength={200}
        value={text}
        onChange={(event) => {
          setText(event.currentTarget.value);
          setChosen(0);
        }}
        onKeyDown={pressed}
      />
      <div id={listId} role="listbox" aria-label="Found" className="quick-search-list">
        {places.map((place, index) => (
          // The keyboard is the text field's, which names the chosen one.
          // oxlint-disable-next-line jsx-a11y/click-events-have-key-events
          <div
            // An organization has the address of its first page.
            key={`${place.note} ${place.address}`}
            id={`${listId}-${index}`}
            role="option"
            tabIndex={-1}
            aria-selected={index === current}
            onMouseMove={() => setChosen(index)}
            onClick={() => go(place)}
          >
            {place.icon}
            <span>{place.name}</span>
            <small>{place.note}</small>
          </div>
        ))}
      </div>
      {places.length === 0 && (
        <p className="quick-search-none">{isBusy ? 'Searching ...' : 'Nothing is called that.'}</p>
      )}
    </Dialog>
  );
}

function usePaused(text: string): string {
  const [paused, setPaused] = useState(text);
  useEffect(() => {
    const timer = setTimeout(() => setPaused(text), pauseMs);
    return () => clearTimeout(timer);
  }, [text]);
  return paused;
}

function usePlaces(
  text: string,
  { me, organization, organizations }: QuickSearchProps,
): { readonly places: readonly Place[]; readonly isBusy: boolean } {
  const paused = usePaused(text);
  const projects = useProjects(organization?.id ?? '', { limit: 200 }, organization !== undefined);
  const hits = useQuery({
    queryKey: ['organization', organization?.id ?? '', 'quick-search', paused],
    queryFn: ({ signal }) =>
      request<Listed<SearchHit>>(
        'GET',
        `${organizationPath(organization?.id ?? '')}/search${searchOf({ q: paused, limit: 8 })}`,
        { signal },
      ),
    enabled: organization !== undefined && paused.length > 1,
  });
  const isNamed = (name: string): boolean => name.toLowerCase().includes(text.toLowerCase());
  const inside = (path: string): string => organizationAddress(organization?.slug ?? '', path);
  const projectPlaces = (projects.data?.items ?? []).map(
    ({ id, name }): Place => ({ address: inside(`/projects/${id}`), name, note: 'Project', icon: <ProjectsIcon /> }),
  );
  const known = [...pagePlaces(me, organization), ...projectPlaces, ...organizationPlaces(organizations)];
  const tasks = paused.length < 2 ? [] : (hits.data?.items ?? []);
  return {
    places: [
      ...known.filter(({ name }) => isNamed(name)).slice(0, text === '' ? 9 : mostPlaces),
      ...tasks.map(
        ({ id, title, status }): Place => ({
          address: inside(`/tasks/${id}`),
          name: title,
          note: `Task ${id}`,
          icon: <StatusMark status={status} />,
        }),
      ),
    ],
    isBusy: hits.isFetching || paused !== text,
  };
}

function pagePlaces(me: Me, organization: Organization | undefined): readonly Place[] {
  const page = (address: string, name: string): Place => ({ address, name, note: 'Page', icon: <NextIcon /> });
  const inside = (path: string, name: string): Place => page(organizationAddress(organization?.slug ?? '', path), name);
  return [
    ...(organization === undefined
      ? []
      : [
          inside('', 'Projects'),
          inside('/tasks?assigneeId=me', 'My tasks'),
          inside('/tasks', 'All tasks'),
          inside('/activity', 'Activity'),
          inside('/members', 'Members'),
        ]),
    page('/organizations', 'Organizations'),
    page('/account', 'Account and API keys'),
    ...(me.role === 'admin'
      ? [
          page('/admin/users', 'Users'),
          page('/admin/organizations', 'Usage'),
          page('/autopilot/', 'Autopilot dashboard'),
        ]
      : []),
  ];
}

function organizationPlaces(organizations: readonly Organization[]): readonly Place[] {
  return organizations.map(({ name, slug }) => ({
    address: organizationAddress(slug),
    name,
    note: 'Organization',
    icon: <BuildingIcon />,
  }));
}
