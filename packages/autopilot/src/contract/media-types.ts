/** What calls can be answered as. */
export type MediaType =
  | 'application/json'
  | 'application/yaml'
  | 'text/event-stream'
  | 'text/html'
  | 'text/plain'
  | 'application/openmetrics-text'
  | 'application/vnd.google.protobuf';

/** What metrics are exposed as; parameters of the media types say more. */
export const expositionMediaTypes: readonly MediaType[] = [
  'text/plain',
  'application/openmetrics-text',
  'application/vnd.google.protobuf',
];
