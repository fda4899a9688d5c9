import { fromBase64 } from '@sotto/protocol/bytes'
import { crypto } from '@sotto/protocol/crypto-backend'
import type { Family } from '@sotto/verifier/family'
import { type Evidence, verifyAgain, verifyFirst } from './evidence-runs.ts'

/** Runs inside a page: the browser's build of the same sources. */

/** Evidence as it crosses into the page. */
export interface PageEvidence {
  family: Family
  evidence: string
  collateral: Record<string, string>
  at: number
}

/** Milliseconds of wall time. */
export interface PageTimes {
  /** The very first, with nothing compiled. */
  very: number
  first: number[]
  again: number[]
}

/** What the page offers. */
export interface EvidencePage {
  measure(given: PageEvidence, rounds: number): PageTimes
}

const page: EvidencePage = {
  measure({ family, evidence, collateral, at }, rounds) {
    if (crypto.name !== 'browser') throw new Error('this is not the build for browsers')
    const given: Evidence = {
      family,
      evidence: fromBase64(evidence),
      collateral: Object.fromEntries(
        Object.entries(collateral).map(([name, base64]) => [name, fromBase64(base64)]),
      ),
      at,
    }
    const time = (verify: typeof verifyFirst): number => {
      const start = performance.now()
      if (!verify(given).authentic) throw new Error('genuine evidence was not authentic')
      return performance.now() - start
    }
    const very = time(verifyFirst)
    const first: number[] = []
    const again: number[] = []
    for (let round = 0; round < rounds; round++) {
      first.push(time(verifyFirst))
      again.push(time(verifyAgain))
    }
    return { very, first, again }
  },
}

Object.assign(globalThis, { bench: page })
