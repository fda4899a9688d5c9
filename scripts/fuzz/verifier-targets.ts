import { verifyFamily } from '@sotto/verifier/appraisal'
import { choosePieces, FAMILIES, type Family, recogniseEvidence } from '@sotto/verifier/family'
import { crashInWords } from './oracle.ts'
import { casesOf, type SeedCase } from './seeds.ts'
import type { Target } from './target.ts'

/** One piece of a genuine case, to be replaced by its mutation. */
interface Slot {
  one: SeedCase
  piece: string
}

/** Whole verifiers, with each piece of each genuine case mutated in turn, evidence and collateral alike. */
export const verifierTargets: readonly Target[] = FAMILIES.map(verifier)

function verifier(family: Family): Target {
  let slots: Slot[] = []
  return {
    name: `verify ${family}`,
    isVerifier: true,
    seeds() {
      slots = casesOf(family).flatMap((one) => Object.keys(one.pieces).map((piece) => ({ one, piece })))
      slots = slots.filter(({ one }) => choosePieces(one.pieces) !== undefined)
      return slots.map(({ one, piece }) => one.pieces[piece]!)
    },
    run(input, seed) {
      const { one, piece } = slots[seed]!
      const { evidence, collateral } = choosePieces(one.pieces)!
      const isEvidence = one.pieces[piece] === evidence
      recogniseEvidence(input)
      const verdict = verifyFamily(family, {
        evidence: isEvidence ? input : evidence,
        collateral: isEvidence ? collateral : { ...collateral, [piece]: input },
        at: one.at,
      })
      if (verdict.acceptable && !verdict.authentic) throw new Error('acceptable and not authentic')
      if (verdict.acceptable !== (verdict.reason === null)) throw new Error('a verdict without its reason')
      // A check keeps the message of whatever was thrown: a crash of its own must not pass for a refusal.
      for (const { name, reason } of verdict.steps) {
        const crash = crashInWords(reason ?? '')
        if (crash !== undefined) throw new Error(`${name}: ${crash}`)
      }
    },
  }
}
