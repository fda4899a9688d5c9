import { parseArgs } from 'node:util'
import { encodeTrustBundle, parseTrustBundle } from '@sotto/protocol/evidence'
import { createWorld } from '@sotto/testkit'
import { verifyTrustBundle } from '@sotto/verifier'

/**
 * Time from a bundle's bytes to a verdict: every signature, proof and document of the chain of
 * trust. `--check` exits with 1 when the gate is missed.
 */
const GATE_MS = 15
const WARM_UP_ROUNDS = 20

const { values } = parseArgs({
  options: {
    rounds: { type: 'string', default: '200' },
    check: { type: 'boolean', default: false },
    json: { type: 'boolean', default: false },
  },
})
process.exitCode = await main()

async function main(): Promise<number> {
  const world = await createWorld()
  const bytes = encodeTrustBundle(world.bundle)
  const once = (): number => {
    const start = performance.now()
    const { verdict } = verifyTrustBundle(parseTrustBundle(bytes), world.policy, { now: world.now })
    const elapsed = performance.now() - start
    if (!verdict.ok) throw new Error('the honest bundle was refused')
    return elapsed
  }
  const first = once()
  for (let i = 0; i < WARM_UP_ROUNDS; i++) once()
  const times = Array.from({ length: Number(values.rounds) }, once).sort((a, b) => a - b)
  const result = {
    bundleBytes: bytes.length,
    firstMs: round(first),
    medianMs: round(times[Math.floor(times.length / 2)]!),
    p99Ms: round(times[Math.floor(times.length * 0.99)]!),
    gateMs: GATE_MS,
  }
  const isPassed = result.medianMs <= GATE_MS
  if (values.json) console.log(JSON.stringify(result))
  else {
    console.log(
      `trust bundle of ${result.bundleBytes} bytes: first ${result.firstMs} ms, median ${result.medianMs} ms, ` +
        `p99 ${result.p99Ms} ms (gate ${GATE_MS} ms: ${isPassed ? 'met' : 'MISSED'})`,
    )
  }
  return values.check && !isPassed ? 1 : 0
}

function round(ms: number): number {
  return Math.round(ms * 100) / 100
}
