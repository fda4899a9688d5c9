import { resolve } from 'node:path'
import { utf8 } from '@sotto/protocol/bytes'
import { custodianKeyDigest, shareSetDecoder } from '@sotto/protocol/custody'
import { parseDsse } from '@sotto/protocol/dsse'
import { decodeDocument } from '@sotto/protocol/keyrelease'
import { createCustodian, type OpenedCustodian, readCustodian } from '../../custodian/index.ts'
import { type Command, type CommandContext, defineCommand } from '../../framework/index.ts'

/** `sotto custodian new FILE` */
export const custodianNew: Command = defineCommand({
  path: ['custodian', 'new'],
  summary: 'Make the keys of a custodian, who holds a share of a KMS root secret',
  description:
    'Writes private keys to FILE, which only you can read, and prints the public key: that is what the ' +
    'configuration of a KMS or a proposal names. An existing file is never replaced. Keep a copy elsewhere: ' +
    'without it your share is lost.',
  arguments: [{ name: 'FILE', summary: 'where to keep the keys', required: true }],
  flags: {},
  examples: ['sotto custodian new ada.custodian'],
  async run(context, args) {
    const path = resolve(context.io.cwd, args[0]!)
    const made = await createCustodian(path)
    context.note(`the private keys are in ${args[0]!}: keep a copy, and let nobody else read it`)
    print(context, made)
  },
})

/** `sotto custodian show FILE` */
export const custodianShow: Command = defineCommand({
  path: ['custodian', 'show'],
  summary: 'Print the public key of a custodian, its fingerprint and the accepted share',
  arguments: [{ name: 'FILE', summary: 'keys, as sotto custodian new wrote them', required: true }],
  flags: {},
  examples: ['sotto custodian show ada.custodian'],
  async run(context, args) {
    const custodian = await readCustodian(resolve(context.io.cwd, args[0]!))
    print(context, custodian)
  },
})

function print(context: CommandContext, custodian: OpenedCustodian): void {
  const { key } = custodian.keys
  const fingerprint = custodianKeyDigest(key)
  const share = acceptedShare(custodian, fingerprint)
  if (context.global.json) {
    context.json({ key, fingerprint, ...(share !== undefined && { share }) })
    return
  }
  context.out(key)
  context.note(`fingerprint ${fingerprint}`)
  if (share === undefined) return
  context.note(`share ${share.index} of generation ${share.generation}, KMS ${share.genesis}`)
}

function acceptedShare(
  { file }: OpenedCustodian,
  fingerprint: string,
): { genesis: string; generation: number; index: number } | undefined {
  if (file.shareSet === undefined) return undefined
  const { payload } = parseDsse(utf8(file.shareSet.envelope))
  const { genesis, generation, shares } = decodeDocument(payload, shareSetDecoder, 'share set')
  const own = shares.find(({ key }) => key === fingerprint)
  return own && { genesis, generation, index: own.index }
}
