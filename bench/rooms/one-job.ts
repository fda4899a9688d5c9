import { runDigest } from '@sotto/protocol/contract'
import type { PartiesLab } from './parties-lab.ts'
import { msOf, type TakeStages } from './stages.ts'

/** Milliseconds of one run, from its offer to its outputs. What parties do on their own machines is not in it. */
export interface JobTimes {
  wallMs: number
  /** Keys of the run and evidence that binds them, signed statements read again; templates are apart. */
  offerMs: number
  /** Templates checked before the offer, in a process of queries of its own. */
  checkMs: number
  /** Consents verified, and the KMS. */
  beginMs: number
  /** The KMS judges contract, consents, budgets and evidence, charges, and releases the keys. */
  kmsRunMs: number
  /** A process of its own, with DuckDB in it. */
  startMs: number
  /** Tables opened, and the result signed. */
  openMs: number
  /** Tables looked at and made. */
  loadMs: number
  queryMs: number
  /** The KMS permits. */
  kmsReleaseMs: number
  /** From the permit to the end: outputs sealed and put on the board, provenance signed. */
  sealMs: number
}

/** A call to the KMS: where, when it came, and when it was answered. */
interface KmsCall {
  readonly path: string
  readonly from: number
  readonly to: number
}

const CONTRACTS = '/v1/contracts'
const LOOK_EVERY_MS = 2

/** Times the calls of a lab to its KMS. */
export function timeKms({ world }: PartiesLab['lab']): () => KmsCall[] {
  const { app } = world
  let calls: KmsCall[] = []
  const timed: typeof app = async (request) => {
    const from = performance.now()
    try {
      return await app(request)
    } finally {
      calls.push({ path: new URL(request.url).pathname, from, to: performance.now() })
    }
  }
  Object.defineProperty(world, 'app', { value: timed })
  return () => {
    const taken = calls
    calls = []
    return taken
  }
}

/** One run of the lab's query. */
export async function runJob(
  { lab, parties }: PartiesLab,
  takeStages: TakeStages,
  takeCalls: () => KmsCall[],
): Promise<JobTimes> {
  const { world } = lab
  takeStages()
  const started = performance.now()
  const offered = await lab.offer()
  const offeredMs = performance.now() - started
  const checked = takeStages()
  const checkMs = msOf(checked, 'open') + msOf(checked, 'parse')
  const run = runDigest(offered.offer)
  const consents = parties.map(({ name, signer }) => world.signed('consent', name, { run }, signer))
  const inquiry = world.signed('inquiry', 'shop')
  takeCalls()
  const began = performance.now()
  await lab.ask({ call: 'begin', run, inquiry, consents })
  for (;;) {
    const view = await lab.runs.answer({ call: 'look', run, inquiry })
    if (!('state' in view)) throw new TypeError('an offer is no view of a run')
    if (view.state === 'done') break
    if (view.state !== 'running') throw new Error(`the run ended as ${view.state}: ${view.failure?.code}`)
    await new Promise((done) => setTimeout(done, LOOK_EVERY_MS))
  }
  const ended = performance.now()
  const answered = takeStages()
  const calls = takeCalls()
  const [asked, permitted] = calls.filter(({ path }) => path === CONTRACTS) as [KmsCall, KmsCall]
  const startMs = msOf(answered, 'open') + msOf(answered, 'parse')
  const [loadMs, queryMs] = [msOf(answered, 'load'), msOf(answered, 'run')]
  return {
    wallMs: offeredMs + ended - began,
    offerMs: offeredMs - checkMs,
    checkMs,
    beginMs: asked.from - began,
    kmsRunMs: asked.to - asked.from,
    startMs,
    openMs: permitted.from - asked.to - startMs - loadMs - queryMs,
    loadMs,
    queryMs,
    kmsReleaseMs: permitted.to - permitted.from,
    sealMs: ended - permitted.to,
  }
}
