/** Background jobs that the application runs. null leaves what the application has chosen. */
export const jobs = {
  concurrency: {
    kind: 'integer',
    default: null,
    min: 1,
    max: 100,
    unit: 'jobs',
    description:
      'Background jobs that run at once in each instance, where the application follows it. More finish sooner and take more of the database and the event loop. Those under way are left to end.',
    risk: 'medium',
    apply: 'live',
    on: 'agent',
  },
} as const;
