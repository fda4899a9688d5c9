import { resolve } from 'node:path'
import { toBase64Url } from '@sotto/protocol/bytes'
import { type Party } from '@sotto/protocol/contract'
import { WRAP_SUITE } from '@sotto/protocol/keyrelease'
import { type Command, defineCommand } from '../../framework/index.ts'
import { contractOf, describeContract, readDraft, readDraftFiles } from '../../room/index.ts'
import { printableLine } from '../../terminal/index.ts'

/** Stands for what only a room knows: no contract has it. */
const NO_DIGEST = '0'.repeat(64)

/** `sotto room draft check FILE` */
export const roomDraftCheck: Command = defineCommand({
  path: ['room', 'draft', 'check'],
  summary: 'Check a draft of a contract, without a service',
  description:
    'Says everything that a contract of this draft would say, or what contradicts itself. Keys of members, the image of\n' +
    'the room and the salt are only known when it is proposed; here others stand for them.',
  arguments: [{ name: 'FILE', summary: 'the draft, YAML', required: true }],
  flags: {},
  examples: ['sotto room draft check offers.yaml'],
  async run(context, [file = ''], _flags) {
    const draft = await readDraft(resolve(context.io.cwd, file))
    const named = contractOf(draft, {
      genesis: NO_DIGEST,
      parties: new Map(draft.parties.map((name, at) => [name, standIn(name, at)])),
      room: [NO_DIGEST],
      salt: toBase64Url(new Uint8Array(32)),
      now: Math.floor(context.io.now() / 1000),
      files: await readDraftFiles(draft, context.signal),
    })
    const { title, parties, inputs, transforms, outputs, consent, notBefore, notAfter } = named.contract
    if (context.global.json)
      return context.json({
        ok: true,
        title,
        parties: parties.map(({ name }) => name),
        inputs,
        transforms: transforms.map(({ name, reads, task }) => ({ name, reads, task })),
        outputs,
        consent,
        notBefore,
        notAfter,
      })
    for (const line of describeContract(named, { isDraft: true })) context.out(printableLine(line))
    context.note('nothing contradicts itself; sotto room propose shows it to the others')
  },
})

/** A party of a key that nobody has. */
function standIn(name: string, at: number): Party {
  const filled = (length: number): string => toBase64Url(new Uint8Array(length).fill(at + 1))
  return { name, key: filled(32), sealTo: filled(WRAP_SUITE.kem.publicKeyLength) }
}
