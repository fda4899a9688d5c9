import { areDistinct } from '@sotto/protocol/jcs'
import { toHex } from '@sotto/protocol/bytes'
import { Refusal, Skip, type Check } from '../checks/index.ts'
import { earlier } from '../family/index.ts'
import type { Families, FamilyEntry } from './families.ts'
import type { AppraisalContext, EvidencePiece } from './appraise.ts'
import { isProcessorFamily } from './bindings.ts'
import { own } from './compare-tuples.ts'
import { BINDING_BYTES } from './gpu-commitment.ts'
import { AGE_CHECKS } from './age-checks.ts'
import { instantText, windowText } from './intervals.ts'
import type { Judge } from './judge.ts'
import { findTupleDefect } from './parse.ts'
import type { AdmissionTuple, Component, EvidencePolicy, JsonObject } from './types.ts'
import type { PieceVerdict } from './verdict.ts'
import { isOpen, nextEnd, resolveWindows } from './windows.ts'

/** What is given, and what the steps of one tuple establish for each other. */
export interface TupleFacts {
  tuple: AdmissionTuple
  pieces: readonly EvidencePiece[]
  policy: EvidencePolicy
  context: AppraisalContext
  families: Families
  judge: Judge
  /** The component that each piece has to satisfy, in the order of the pieces. */
  components?: readonly Component[]
  /** Policies of the pieces at this time, in the same order. */
  resolved?: readonly JsonObject[]
  verdicts?: PieceVerdict[]
  validUntil?: number
}

/** Made once: a stack trace takes longer than the other checks. */
const NO_GPU = /* @__PURE__ */ new Skip('no GPU takes part')

const PIECE_CHECKS: readonly Check<TupleFacts>[] = [
  {
    name: 'policy.window',
    title: 'The tuple holds at this time',
    needs: [],
    class: 'expired',
    run({ tuple, context: { at } }) {
      const window = windowText(tuple).trim() || 'always'
      if (!isOpen(tuple, at)) throw new Refusal('the tuple has ended or not begun', window, instantText(at))
      return {
        expected: window,
        ...(tuple.notAfter !== undefined && { adds: { validUntil: tuple.notAfter } }),
      }
    },
  },
  {
    name: 'policy.families',
    title: 'The evidence is of the kinds that the tuple asks for, all of them and no other',
    needs: [],
    class: 'hardware',
    run({ tuple, pieces }) {
      const defect = findTupleDefect(tuple)
      if (defect !== undefined) throw new Refusal(defect)
      const asked = tuple.allOf.map(({ family }) => family)
      const given = pieces.map(({ family }) => family)
      const [expected, found] = [asked.join(' + '), given.join(' + ') || 'nothing']
      if (given.some((family) => !asked.includes(family)))
        throw new Refusal('there is evidence of another kind', expected, found)
      if (asked.some((family) => !given.includes(family)))
        throw new Refusal('evidence of a kind is missing', expected, found, 'collateral-missing')
      // Several processors would be several machines, of which the worst one answers.
      if (!areDistinct(given.filter((family) => family !== 'nvidia')))
        throw new Refusal('there are several processors', expected, found)
      const components = given.map((family) => tuple.allOf.find((component) => component.family === family)!)
      return { adds: { components }, found }
    },
  },
  {
    name: 'policy.entries',
    title: 'No list of the tuple has ended',
    needs: ['components'],
    class: 'expired',
    run({ components, families, context: { at }, validUntil }) {
      const all = components.map((component) => {
        const { members } = families.get(component.family)!
        const policy = own(component)
        return {
          ...resolveWindows(policy, members, at),
          family: component.family,
          end: nextEnd(policy, members, at),
        }
      })
      const closed = all.flatMap(({ family, closed: lists }) => lists.map((list) => `${family}.${list}`))
      if (closed.length > 0)
        throw new Refusal('every entry of a list has ended or not begun', instantText(at), closed.join(', '))
      const end = all.reduce<number | undefined>(
        (soonest, piece) => (piece.end === undefined ? soonest : earlier(soonest, piece.end)),
        validUntil,
      )
      return {
        adds: { resolved: all.map(({ policy }) => policy), ...(end !== undefined && { validUntil: end }) },
      }
    },
  },
  {
    name: 'policy.evidence',
    title: 'Every piece of evidence is authentic and what its family’s policy asks',
    needs: ['resolved', 'components'],
    run(facts) {
      const { resolved, components, families, judge } = facts
      const isDemanded = facts.policy.revocationMaxAgeSeconds !== undefined
      const judged: PieceVerdict[] = []
      for (const index of processorsFirst(components)) {
        const { family, demandRevocation } = families.get(components[index]!.family)!
        // GPUs take longest, and anybody can send some: they count beside a genuine processor only.
        if (!isProcessorFamily(family) && judged.some(({ authentic }) => !authentic)) continue
        const policy = resolved[index]!
        judged[index] = judge(index, (isDemanded ? demandRevocation?.(policy) : undefined) ?? policy)
      }
      const verdicts = judged.filter((verdict) => verdict !== undefined)
      // Known to the caller whatever they say.
      ;(facts as TupleFacts).verdicts = verdicts
      const refused = verdicts.filter(({ acceptable }) => !acceptable)
      if (refused.length > 0) throw refusalOf(refused)
      const validUntil = verdicts.reduce<number | undefined>(
        (soonest, verdict) => (verdict.validUntil === null ? soonest : earlier(soonest, verdict.validUntil)),
        (facts as TupleFacts).validUntil,
      )
      return { ...(validUntil !== undefined && { adds: { validUntil } }) }
    },
  },
]

/** What the pieces are bound to; the families compared it, and these steps require that they did. */
const BINDING_CHECKS: readonly Check<TupleFacts>[] = [
  {
    name: 'policy.binding',
    title: 'Every piece of evidence is bound to what was expected',
    needs: ['verdicts'],
    class: 'binding',
    maySkip: true,
    run({ verdicts, families, policy: { freshness }, context: { expectedReportData: binding } }) {
      if (binding === undefined) {
        if (freshness === 'age') throw new Skip('nothing to compare with was given')
        throw new Refusal('nothing to compare with was given', 'a value handed out for this check', 'nothing')
      }
      if (binding.length !== BINDING_BYTES)
        throw new Refusal('the expectation has another length', `${BINDING_BYTES} bytes`, `${binding.length}`)
      const unbound = verdicts.filter((verdict) => !isCompared(verdict, families.get(verdict.family)!))
      if (unbound.length > 0)
        throw new Refusal(
          'evidence is not bound to it',
          toHex(binding),
          unbound.map(({ family }) => family).join(', '),
        )
    },
  },
  {
    name: 'policy.gpu-binding',
    title: 'The processor commits to each of these GPUs and to their number',
    needs: ['verdicts'],
    class: 'binding',
    maySkip: true,
    run({ tuple: { gpuBinding }, verdicts, families, context: { expectedReportData: binding } }) {
      if (gpuBinding === undefined) throw NO_GPU
      const { minGpus, maxGpus } = gpuBinding
      const gpus = verdicts.flatMap(({ family, fields }) => {
        if (family !== 'nvidia') return []
        const ids = families.get(family)!.devicesOf?.(fields)
        if (ids !== undefined) return ids
        throw new Refusal('a piece is evidence of no device', 'GPUs or switches', 'none', 'hardware')
      })
      const count = gpus.length
      if (count < minGpus || count > maxGpus)
        throw new Refusal('there are fewer or more GPUs', `${minGpus} to ${maxGpus}`, `${count}`, 'hardware')
      if (gpus.some((ids) => ids.length === 0))
        throw new Refusal('nothing tells a GPU from the others', undefined, undefined, 'hardware')
      // One GPU asked twice gives two pieces of evidence.
      if (!areDistinct(gpus.flat()))
        throw new Refusal('the evidence of one GPU is given twice', undefined, undefined, 'hardware')
      // A token knows a GPU by the key of its firmware alone: one that ran two would be two.
      const firmwares = new Set(
        verdicts.flatMap((v) => families.get(v.family)!.firmwaresOf?.(v.fields) ?? []),
      )
      if (count > 1 && gpus.some(({ length }) => length === 1) && (firmwares.size > 1 || firmwares.has(null)))
        throw new Refusal(
          'tokens do not tell one GPU with two firmwares from two',
          'one driver and VBIOS',
          [...firmwares].join(', '),
          'hardware',
        )
      if (binding?.length !== BINDING_BYTES)
        throw new Refusal('nothing says what the processor commits to', `${BINDING_BYTES} bytes`, 'nothing')
      return { found: `${count}` }
    },
  },
]

/** Everything one tuple asks, in the order in which a refusal names its reason. */
export const TUPLE_CHECKS: readonly Check<TupleFacts>[] = [...PIECE_CHECKS, ...BINDING_CHECKS, ...AGE_CHECKS]

/** Places of the pieces, processors before GPUs. */
function processorsFirst(components: readonly Component[]): number[] {
  const places = components.map((_component, index) => index)
  const rank = (index: number): number => (isProcessorFamily(components[index]!.family) ? 0 : 1)
  return places.sort((a, b) => rank(a) - rank(b))
}

function isCompared({ steps }: PieceVerdict, { binding }: FamilyEntry): boolean {
  return steps.some(({ name, status }) => name === binding.step && status === 'pass')
}

/** The failures of pieces as one: the class is that of the first. */
function refusalOf(verdicts: readonly PieceVerdict[]): Refusal {
  const failed = verdicts.flatMap(({ steps }) => steps.filter(({ status }) => status === 'fail'))
  const reasons = failed.map(({ name, reason }) => `${name}: ${reason ?? 'refused'}`)
  const [first] = failed
  return new Refusal(
    reasons.join('; ') || 'a piece is refused',
    first?.expected,
    first?.found,
    verdicts[0]!.reason ?? undefined,
  )
}
