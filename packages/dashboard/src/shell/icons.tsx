import type { ReactElement, ReactNode } from 'react';

/** The few drawings the page needs; always beside a word or inside a labelled control, so hidden from screen readers. */
const icon = (paths: ReactNode): (() => ReactElement) =>
  function Icon() {
    return (
      <svg className="icon" viewBox="0 0 16 16" aria-hidden="true">
        {paths}
      </svg>
    );
  };

export const CheckIcon: () => ReactElement = icon(
  <>
    <circle cx="8" cy="8" r="6.2" />
    <path d="m5.4 8.2 1.8 1.8 3.4-3.8" />
  </>,
);
export const WarningIcon: () => ReactElement = icon(
  <>
    <path d="M8 2.2 14.2 13H1.8Z" />
    <path d="M8 6.4v3M8 11.2v.1" />
  </>,
);
export const AlarmIcon: () => ReactElement = icon(
  <>
    <path d="M5.4 1.8h5.2l3.6 3.6v5.2l-3.6 3.6H5.4l-3.6-3.6V5.4Z" />
    <path d="M8 5v3.6M8 10.9v.1" />
  </>,
);
export const UnknownIcon: () => ReactElement = icon(
  <>
    <circle cx="8" cy="8" r="6.2" strokeDasharray="2.6 2.2" />
    <path d="M6.6 6.6a1.5 1.5 0 1 1 2 1.4c-.4.2-.6.5-.6.9M8 11v.1" />
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
export const KeyboardIcon: () => ReactElement = icon(
  <>
    <rect x="1.4" y="4" width="13.2" height="8" rx="1.4" />
    <path d="M4 6.6h.1M6.6 6.6h.1M9.2 6.6h.1M11.8 6.6h.1M5 9.4h6" />
  </>,
);
export const SearchIcon: () => ReactElement = icon(
  <>
    <circle cx="7" cy="7" r="4.4" />
    <path d="m10.4 10.4 3.4 3.4" />
  </>,
);
export const TableIcon: () => ReactElement = icon(
  <>
    <rect x="2" y="3" width="12" height="10" rx="1.2" />
    <path d="M2 6.4h12M2 9.7h12M6.4 6.4V13" />
  </>,
);
export const BackIcon: () => ReactElement = icon(<path d="M9.8 3.4 5.2 8l4.6 4.6" />);
export const LeaveIcon: () => ReactElement = icon(<path d="M6.2 2.6H3.4v10.8h2.8M6.8 8h6.8M11 5.2 13.8 8 11 10.8" />);
export const ChevronIcon: () => ReactElement = icon(<path d="m4.4 6.2 3.6 3.6 3.6-3.6" />);
export const EarlierIcon: () => ReactElement = icon(<path d="M8.6 4 4.6 8l4 4M12.4 4l-4 4 4 4" />);
export const LaterIcon: () => ReactElement = icon(<path d="m7.4 4 4 4-4 4M3.6 4l4 4-4 4" />);
export const ZoomOutIcon: () => ReactElement = icon(
  <>
    <circle cx="7" cy="7" r="4.4" />
    <path d="m10.4 10.4 3.4 3.4M5 7h4" />
  </>,
);
