import type { ReactElement, ReactNode } from 'react';

/** The few drawings the pages need; always beside a word or inside a labelled control, so hidden from screen readers. */
const icon = (paths: ReactNode): (() => ReactElement) =>
  function Icon() {
    return (
      <svg className="icon" viewBox="0 0 16 16" aria-hidden="true">
        {paths}
      </svg>
    );
  };

export const SearchIcon: () => ReactElement = icon(
  <>
    <circle cx="7" cy="7" r="4.4" />
    <path d="m10.4 10.4 3.4 3.4" />
  </>,
);
export const PlusIcon: () => ReactElement = icon(<path d="M8 3v10M3 8h10" />);
export const CloseIcon: () => ReactElement = icon(<path d="m4 4 8 8M12 4l-8 8" />);
export const MenuIcon: () => ReactElement = icon(<path d="M2.5 4.5h11M2.5 8h11M2.5 11.5h11" />);
export const ChevronIcon: () => ReactElement = icon(<path d="m4.4 6.2 3.6 3.6 3.6-3.6" />);
export const BackIcon: () => ReactElement = icon(<path d="M9.8 3.4 5.2 8l4.6 4.6" />);
export const NextIcon: () => ReactElement = icon(<path d="M6.2 3.4 10.8 8l-4.6 4.6" />);
export const ProjectsIcon: () => ReactElement = icon(
  <path d="M2 4.2c0-.7.5-1.2 1.2-1.2h3l1.6 1.8h5c.7 0 1.2.5 1.2 1.2v6c0 .6-.5 1.1-1.2 1.1H3.2c-.7 0-1.2-.5-1.2-1.2Z" />,
);
export const TasksIcon: () => ReactElement = icon(
  <path d="M6.6 4h7M6.6 8h7M6.6 12h7M2.2 4l.9.9 1.6-1.8M2.2 8l.9.9 1.6-1.8M2.2 12l.9.9 1.6-1.8" />,
);
export const PersonIcon: () => ReactElement = icon(
  <>
    <circle cx="8" cy="5.4" r="2.6" />
    <path d="M2.8 13.4c.6-2.5 2.6-3.8 5.2-3.8s4.6 1.3 5.2 3.8" />
  </>,
);
export const PeopleIcon: () => ReactElement = icon(
  <>
    <circle cx="6" cy="5.6" r="2.4" />
    <path d="M1.6 13c.5-2.3 2.2-3.5 4.4-3.5s3.9 1.2 4.4 3.5M10.6 3.5a2.3 2.3 0 0 1 0 4.3M12 9.7c1.3.5 2.1 1.6 2.4 3.3" />
  </>,
);
export const ActivityIcon: () => ReactElement = icon(<path d="M1.8 8.6h2.6l2-5 3 9 1.8-5 .8 1h2.2" />);
export const BellIcon: () => ReactElement = icon(
  <path d="M3.2 11.4h9.6c-1-1-1.4-2.2-1.4-4.6a3.4 3.4 0 0 0-6.8 0c0 2.4-.4 3.6-1.4 4.6ZM6.6 13.6h2.8M8 1.6v1.6" />,
);
export const ShieldIcon: () => ReactElement = icon(
  <path d="M8 1.8 13.2 3.6v4c0 3.2-2.1 5.4-5.2 6.6-3.1-1.2-5.2-3.4-5.2-6.6v-4Z" />,
);
export const BuildingIcon: () => ReactElement = icon(
  <path d="M3 13.6V3.2c0-.4.3-.7.7-.7h5.6c.4 0 .7.3.7.7v10.4M10 6.6h2.3c.4 0 .7.3.7.7v6.3M1.6 13.6h12.8M5.4 5.4h2.2M5.4 8h2.2M5.4 10.6h2.2" />,
);
export const GaugeIcon: () => ReactElement = icon(
  <>
    <path d="M2.3 11.6a6.2 6.2 0 1 1 11.4 0" />
    <path d="m8 9.6 2.6-3.4" />
  </>,
);
export const KeyboardIcon: () => ReactElement = icon(
  <>
    <rect x="1.4" y="4" width="13.2" height="8" rx="1.4" />
    <path d="M4 6.6h.1M6.6 6.6h.1M9.2 6.6h.1M11.8 6.6h.1M5 9.4h6" />
  </>,
);
export const SunIcon: () => ReactElement = icon(
  <>
    <circle cx="8" cy="8" r="2.8" />
    <path d="M8 1.4v1.2M8 13.4v1.2M1.4 8h1.2M13.4 8h1.2M3.3 3.3l.9.9M11.8 11.8l.9.9M12.7 3.3l-.9.9M4.2 11.8l-.9.9" />
  </>,
);
export const MoonIcon: () => ReactElement = icon(<path d="M13.4 9.6A5.8 5.8 0 0 1 6.4 2.6a5.8 5.8 0 1 0 7 7Z" />);
export const SystemIcon: () => ReactElement = icon(
  <>
    <rect x="1.8" y="2.8" width="12.4" height="8.2" rx="1.2" />
    <path d="M5.6 13.6h4.8" />
  </>,
);
export const LeaveIcon: () => ReactElement = icon(<path d="M6.2 2.6H3.4v10.8h2.8M6.8 8h6.8M11 5.2 13.8 8 11 10.8" />);
