import { families } from '../../scripts/vectors/families.ts'
import { crypto } from '@sotto/protocol/crypto-backend'
import { fromBase64, fromUtf8, toHex, utf8 } from '@sotto/protocol/bytes'
import { parseTrustBundle } from '@sotto/protocol/evidence'
import { parseTrustPolicy, verifyTrustBundle, type Verdict } from '@sotto/verifier'

/** Runs inside the page: everything here is the browser's build of the same sources. */

/** A file of vectors as it crosses into the page. */
export interface PageFile {
  name: string
  base64: string
}

/** What the page offers to the test. */
export interface PageApi {
  backend(): string
  runVectors(folder: string, files: PageFile[]): Promise<{ total: number; failures: string[] }>
  verify(bundleBase64: string, policyJson: string, now: number): { verdict: Verdict; milliseconds: number }
  digest(text: string): string
}

const api: PageApi = {
  backend: () => crypto.name,
  async runVectors(folder, files) {
    const family = families.find((candidate) => candidate.folder === folder)!
    const inputs = files.map(({ name, base64 }) => {
      const bytes = fromBase64(base64)
      return {
        name,
        bytes,
        get text() {
          return fromUtf8(bytes)
        },
      }
    })
    let total = 0
    const failures: string[] = []
    for (const one of family.cases(inputs)) {
      total++
      try {
        await one.run()
      } catch (error) {
        failures.push(`${one.file}: ${one.name}: ${(error as Error).message}`)
      }
    }
    return { total, failures }
  },
  verify(bundleBase64, policyJson, now) {
    const bytes = fromBase64(bundleBase64)
    const policy = parseTrustPolicy(policyJson)
    const started = performance.now()
    const { verdict } = verifyTrustBundle(parseTrustBundle(bytes), policy, { now })
    return { verdict, milliseconds: performance.now() - started }
  },
  digest: (text) => toHex(crypto.sha256(utf8(text))),
}

Object.assign(globalThis, { sotto: api })
