import { fromHex, toHex } from '@sotto/protocol/bytes'
import { type Evidence, evidenceDecoder } from '@sotto/protocol/keyrelease'
import { serveError } from '../errors/index.ts'
import type { TrustedHardware } from '../tee/types.ts'

/** The two-way message channel to the launcher; `process` is one in a child with IPC. */
export interface ParentChannel {
  send?: (message: object) => unknown
  on(event: 'message', listener: (message: unknown) => void): unknown
}

/** How long the launcher may take for one answer. */
const ANSWER_MS = 10_000
const REPORT_DATA_LENGTH = 64
const MAX_CONTEXT_LENGTH = 128
const SEALING_KEY = /^[0-9a-f]{64}$/

type Answer = Record<string, unknown>

/**
 * The role's side of the software TEE: asks the launcher, which measured this process, over Node
 * IPC. It proves nothing to anybody who does not name the launcher's root in a policy (T10).
 * @throws `TEE_UNAVAILABLE` from each call when no launcher answers within 10 s
 * @throws `TEE_MALFORMED` when it answers something impossible
 */
export function softwareHardware(channel: ParentChannel, answerMs: number = ANSWER_MS): TrustedHardware {
  const waiting = new Map<number, (answer: Answer) => void>()
  let lastId = 0
  channel.on('message', (message) => {
    if (typeof message !== 'object' || message === null) return
    const answer = message as Answer
    if (
      typeof answer['type'] !== 'string' ||
      !answer['type'].startsWith('tee.') ||
      typeof answer['id'] !== 'number'
    )
      return
    waiting.get(answer['id'])?.(answer)
  })

  async function ask(type: string, fields: object): Promise<Answer> {
    if (channel.send === undefined)
      throw serveError('TEE_UNAVAILABLE', 'there is no software TEE launcher to ask')
    const id = ++lastId
    const { promise, resolve, reject } = Promise.withResolvers<Answer>()
    const timer = setTimeout(
      () => reject(serveError('TEE_UNAVAILABLE', 'the software TEE launcher does not answer')),
      answerMs,
    )
    waiting.set(id, resolve)
    try {
      channel.send({ type, id, ...fields })
      const answer = await promise
      if (answer['type'] !== type) throw serveError('TEE_MALFORMED', 'the launcher answered another question')
      if (answer['error'] !== undefined)
        throw serveError('TEE_UNAVAILABLE', 'the software TEE launcher refused')
      return answer
    } finally {
      clearTimeout(timer)
      waiting.delete(id)
    }
  }

  return {
    family: 'software',
    async collectEvidence(reportData) {
      if (reportData.length !== REPORT_DATA_LENGTH) throw new RangeError('REPORT_DATA has 64 bytes')
      const { evidence } = await ask('tee.report', { reportData: toHex(reportData) })
      return decodeEvidence(evidence)
    },
    async deriveSealingKey(context) {
      if (context.length === 0 || context.length > MAX_CONTEXT_LENGTH)
        throw new RangeError('a sealing context has 1 to 128 characters')
      const { key } = await ask('tee.sealing-key', { context })
      if (typeof key !== 'string' || !SEALING_KEY.test(key))
        throw serveError('TEE_MALFORMED', 'the launcher sent no sealing key')
      return fromHex(key)
    },
  }
}

function decodeEvidence(value: unknown): Evidence {
  let evidence: Evidence
  try {
    evidence = evidenceDecoder(value, 'evidence')
  } catch (cause) {
    throw serveError('TEE_MALFORMED', 'the launcher sent no evidence', { cause })
  }
  if (evidence.every(({ family }) => family === 'software')) return evidence
  throw serveError('TEE_MALFORMED', 'the launcher sent evidence of another kind')
}
