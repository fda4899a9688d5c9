import { hex, object, text, type Decoder } from '../jcs/index.ts'
import type { Digest } from './types.ts'

/** The app that an enclave runs beside its models: it gets requests in clear. */
export interface ReleasedApp {
  /** `a-z`, digits and `-`, beginning with a letter; at most 63 characters. For people; the digest says which app it is. */
  name: string
  /** SHA-256 of its code: the tar in clear. */
  sha256: Digest
}

export const releasedAppDecoder: Decoder<ReleasedApp> = object({
  name: text(63, /^[a-z][a-z0-9-]*$/),
  sha256: hex(32),
})

/** An app on one line. */
export function describeApp({ name, sha256 }: ReleasedApp): string {
  return `${name} ${sha256}`
}

/** Whether two places name the same app, or neither names one. */
export function isSameApp(a: ReleasedApp | undefined, b: ReleasedApp | undefined): boolean {
  return a?.name === b?.name && a?.sha256 === b?.sha256
}
