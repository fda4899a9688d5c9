import { resolve } from 'node:path'
import { type Command, defineCommand } from '../../framework/index.ts'
import { describeContract, readDraft, readDraftFiles, standInContract } from '../../room/index.ts'
import { printableLine } from '../../terminal/index.ts'

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
    const files = await readDraftFiles(draft, context.signal)
    const named = standInContract(draft, files, Math.floor(context.io.now() / 1000))
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
