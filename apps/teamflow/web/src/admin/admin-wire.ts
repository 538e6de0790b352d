/** What the administration's part of the API answers. */

export interface AdministeredUser {
  readonly id: string;
  readonly name: string;
  readonly email: string;
  readonly isAdministrator: boolean;
  readonly isSuspended: boolean;
  readonly suspendedBecause: string | null;
  readonly createdAt: string;
  readonly organizations: number;
  readonly sessions: number;
}

export interface UserSession {
  readonly id: string;
  readonly ipAddress: string | null;
  readonly userAgent: string | null;
  readonly createdAt: string;
  readonly updatedAt: string;
  readonly expiresAt: string;
}

export interface AdministeredOrganization {
  readonly id: string;
  readonly name: string;
  readonly slug: string;
  readonly createdAt: string;
  readonly members: number;
}

export const administration = '/api/v1/administration';
