import { SottoError } from '@sotto/protocol/errors'
import { parser, type Target } from '../scripts/fuzz/target.ts'

const seeds = (): Uint8Array[] => [new Uint8Array(64).fill(1), new Uint8Array(100).fill(2)]
const kept: unknown[] = []
/** 4 MB. */
const NUMBERS = Array.from({ length: 500_000 }, (_, i) => i + 0.5)
let count = 0

/** Parsers that go wrong for one input in some hundred, each in its own way. */
export const targets: readonly Target[] = [
  evil('hang', () => {
    for (;;) count++
  }),
  evil('buffer', () => void (count += new Uint8Array(100e6).fill(1).length)),
  evil('objects', () => {
    const many: number[][] = []
    while (many.length < 2_000_000) many.push([many.length])
    count += many.length
  }),
  evil('all memory', () => {
    const many: number[][] = []
    for (;;) many.push(NUMBERS.slice())
  }),
  evil('hidden overflow', () => {
    const descend = (): number => 1 + descend()
    try {
      descend()
    } catch (cause) {
      throw new SottoError('TEST_DEEP', 'fix-input', 'too deep', { cause })
    }
  }),
  evil('type error', () => (undefined as unknown as { name: string }).name),
  evil('exit', () => process.exit(3)),
  parser('leak', seeds, () => void (kept.length < 10_000 && kept.push(new Float64Array(2000)))),
  parser('refusals', seeds, () => {
    throw new SottoError('TEST_NO', 'fix-input', 'no', { cause: new Error('because') })
  }),
]

function evil(name: string, run: () => unknown): Target {
  return parser(name, seeds, (bytes) => (isRare(bytes) ? run() : undefined))
}

/** One in 600 of what mutations make of the seeds; no seed itself. */
function isRare(bytes: Uint8Array): boolean {
  let hash = 17
  for (const byte of bytes.subarray(0, 100)) hash = (Math.imul(hash, 31) + byte) >>> 0
  return hash % 600 === 5
}
