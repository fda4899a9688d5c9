import { fromUtf8 } from '@sotto/protocol/bytes'
import { canonicalJson } from '@sotto/protocol/jcs'
import type { Families } from './families.ts'
import type { EvidencePiece } from './appraise.ts'
import { BINDING_BYTES } from './gpu-commitment.ts'
import type { JsonObject } from './types.ts'
import type { PieceVerdict } from './verdict.ts'

/** Judges the piece of this index by a family policy without windows. */
export type Judge = (index: number, policy: JsonObject) => PieceVerdict

/**
 * Judges each piece once for each different policy: tuples mostly differ in one component, and verifying a GPU
 * takes longer than everything else.
 *
 * @param context.binding what a GPU's nonce is derived from; `expectedReportData` is what processors carry
 */
export function createJudge(
  pieces: readonly EvidencePiece[],
  families: Families,
  context: { at: number; trustKeySets?: boolean; binding?: Uint8Array; expectedReportData?: Uint8Array },
): Judge {
  const known = new Map<string, PieceVerdict>()
  return (index, policy) => {
    const key = `${index} ${fromUtf8(canonicalJson(policy))}`
    const found = known.get(key) ?? judge(pieces[index]!, policy)
    known.set(key, found)
    return found
  }

  function judge({ family, evidence, collateral }: EvidencePiece, policy: JsonObject): PieceVerdict {
    const { decodePolicy, verify, binding: table } = families.get(family)!
    const carried = family === 'nvidia' ? context.binding : context.expectedReportData
    const expected = carried?.length === BINDING_BYTES ? table.expectation(carried) : carried
    return verify({
      evidence,
      collateral,
      at: context.at,
      trustKeySets: context.trustKeySets ?? false,
      policy: decodePolicy(policy, 'policy'),
      ...(expected !== undefined && { expectedReportData: expected }),
    })
  }
}
