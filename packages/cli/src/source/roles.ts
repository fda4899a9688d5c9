import type { Role } from '@sotto/protocol/keyrelease'

/** Roles that have an image. */
export const ROLES: readonly Role[] = ['kms', 'inference', 'room']
