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

/** A call that changed something in the administration, or was refused. */
export interface AdministrativeCall {
  readonly id: number;
  readonly at: string;
  readonly userId: string;
  readonly userEmail: string;
  readonly aboutId: string | null;
  readonly aboutEmail: string | null;
  readonly call: string;
  readonly role: string | null;
  readonly status: number;
  readonly address: string;
  readonly requestId: string;
}

export const administration = '/api/v1/administration';
