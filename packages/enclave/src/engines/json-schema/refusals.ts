import { engineError } from '../errors.ts'

/** A schema that cannot be forced, or not be checked. */
export function unsupported(what: string): Error {
  return engineError('ENGINE_UNSUPPORTED', `JSON schema: ${what} is not offered here`)
}

/** A schema that is none, or that nothing fits. */
export function refused(what: string): Error {
  return engineError('ENGINE_INPUT', `JSON schema: ${what}`)
}
