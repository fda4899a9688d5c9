import { toHex } from '@sotto/protocol/bytes'
import { parseCoseReceipt, receiptTree, type CoseReceipt } from '@sotto/protocol/cose'
import { consistencyRoots, isPowerOfTwo } from '@sotto/protocol/merkle'
import {
  expectEqual,
  expectHex,
  expectRefused,
  type VectorCase,
  type VectorFamily,
  type VectorFile,
} from './harness.ts'

const CODES = ['COSE_MALFORMED', 'COSE_UNSUPPORTED', 'CBOR_MALFORMED', 'CBOR_UNSUPPORTED']

/**
 * Receipts of RFC 9942 as its authors publish them: a file of bytes, and one that says in words what is in it.
 * Their key is not published, so what the signature covers cannot be checked here; that both proofs of one tree
 * lead to one root can.
 */
export const coseReceipts: VectorFamily = {
  folder: 'transport/cose-receipts',
  isOptional: true,
  *cases(files) {
    const receipts = files.filter(({ bytes }) => bytes[0] === 0xd2)
    for (const file of receipts) {
      yield { file: file.name, name: 'structure', run: () => void parseCoseReceipt(file.bytes) }
      yield { file: file.name, name: 'every cut is refused', run: () => refuseCuts(file) }
      yield {
        file: file.name,
        name: 'one tree',
        run: () => oneTree(receipts.map(({ bytes }) => parseCoseReceipt(bytes))),
      }
    }
    for (const file of files.filter((one) => !receipts.includes(one))) yield* described(file, receipts)
  },
}

function refuseCuts({ bytes }: VectorFile): void {
  for (let length = 0; length < bytes.length; length++)
    expectRefused(`${length} bytes`, () => parseCoseReceipt(bytes.subarray(0, length)), ...CODES)
}

/** The published pair is of one log of five entries: the leaf that one proves stands in the path of the other. */
function oneTree(receipts: readonly CoseReceipt[]): void {
  const inclusion = receipts.find((receipt) => receipt.kind === 'inclusion')
  const consistency = receipts.find((receipt) => receipt.kind === 'consistency')
  if (!inclusion || !consistency) throw new Error('one of the two receipts is missing')
  const { oldSize, newSize, path } = consistency.proofs[0]!
  if (isPowerOfTwo(oldSize)) throw new Error('the older root would have to be known')
  const { older, newer } = consistencyRoots(oldSize, newSize, path)
  expectHex('newer root', receiptTree(consistency, older).root, toHex(newer))
  const { size, index } = inclusion.proofs[0]!
  expectEqual('size of the tree', size, newSize)
  // Leaf 3 of five is the second hash of the path from three.
  expectEqual('leaf', index, 3)
  expectHex('root of the leaf', receiptTree(inclusion, path[1]!).root, toHex(newer))
}

/** The words beside a receipt: numbers of its proof, its issuer, and all its bytes. */
function* described(file: VectorFile, receipts: readonly VectorFile[]): Generator<VectorCase> {
  const own = receipts.find(({ name }) => name.replace(/\.[^.]*$/, '') === file.name.replace(/\.[^.]*$/, ''))
  if (own === undefined) return
  const one = (name: string, run: () => void): VectorCase => ({ file: file.name, name, run })
  yield one('bytes', () => {
    const [hex = ''] = /^(?:[0-9a-f]{2} )+[0-9a-f]{2}$/m.exec(file.text) ?? []
    expectHex('receipt', own.bytes, hex.replaceAll(' ', ''))
  })
  yield one('proof', () => {
    const receipt = parseCoseReceipt(own.bytes)
    const number = (label: string): number => Number(new RegExp(`/ ${label} / (\\d+)`).exec(file.text)?.[1])
    const found =
      receipt.kind === 'inclusion'
        ? [receipt.proofs[0]!.size, receipt.proofs[0]!.index]
        : [receipt.proofs[0]!.oldSize, receipt.proofs[0]!.newSize]
    expectEqual(
      'numbers',
      found,
      (receipt.kind === 'inclusion' ? ['size', 'leaf'] : ['old_size', 'new_size']).map(number),
    )
    expectEqual('issuer', receipt.issuer, /\/ iss \/ 1: "([^"]+)"/.exec(file.text)?.[1])
  })
}
