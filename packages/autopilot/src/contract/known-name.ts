/** How the application calls a tenant or a user, whose id is what is counted and kept. */
export interface KnownName {
  readonly kind: 'tenant' | 'user';
  readonly id: string;
  readonly name: string;
}
