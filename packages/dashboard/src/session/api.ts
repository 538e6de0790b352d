import { type Client, createClient } from '@teamflow/autopilot/client';
import { readToken } from './token.ts';

/** The API on the page's own origin, asked as whoever is signed in in this tab. */
export const api: Client = createClient({ baseUrl: '', token: readToken });
