/** What the autopilot may change by itself. */
export const optimization = {
  stopped: {
    kind: 'boolean',
    default: false,
    description:
      'The kill switch: while it is on, the autopilot changes nothing that nobody asked for. What people ask for goes on. AUTOPILOT_SAFE_MODE=1 stops it too.',
    risk: 'low',
    apply: 'live',
    on: 'control-plane',
  },
} as const;
