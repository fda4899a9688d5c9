import { hasCode } from '@sotto/protocol/errors'
import { type PathOptions, verifyPath } from '@sotto/protocol/x509'
import { FAKE_NOW, type FakeIdentity, fakeRoot } from '@sotto/testkit/x509'

export const root = fakeRoot({ curve: 'P-384' })
export const intermediate = root.issue({ commonName: 'Intermediate', ca: true, curve: 'P-256' })

export const chainOf = (...identities: FakeIdentity[]) => identities.map(({ certificate }) => certificate)
export const verify = (identities: FakeIdentity[], options: Partial<PathOptions> = {}) =>
  verifyPath(chainOf(...identities), { roots: [root.certificate], at: FAKE_NOW, ...options })
/** The message, so that a test cannot pass because of another refusal of the same code. */
export function refusal(run: () => unknown, code: string): string {
  try {
    run()
  } catch (error) {
    if (hasCode(error, code)) return error.message
    throw error
  }
  throw new Error('nothing was refused')
}
