import { resolve } from 'node:path'
import { openShare, recoveryRequestDecoder, resealShare } from '@sotto/protocol/custody'
import { hasCode } from '@sotto/protocol/errors'
import { CUSTODY_FLAGS, decide, openCustodyDesk, readCustodian } from '../../custodian/index.ts'
import { type Command, defineCommand, EXIT } from '../../framework/index.ts'
import { readAnswer, receivedAnswerDecoder } from '../../governance/index.ts'

/** What custodians agree to cannot be taken back once enough of them have. */
const FORGET_QUESTION =
  'Let this KMS begin with an empty store? Content keys of sealed models and open proposals are lost.'

/** `sotto custodian release FILE` */
export const custodianRelease: Command = defineCommand({
  path: ['custodian', 'release'],
  summary: 'Give your share to a KMS that waits for custodians, once it has proven what it is',
  description:
    'Checks the pinned genesis, fresh evidence bound to the key of this recovery and to a recent witnessed ' +
    'checkpoint, an accepted and unrevoked release in the log, and that the newest shares are asked for. Then ' +
    'opens your share and seals it to that key alone. May be repeated: a KMS that was restarted asks again. ' +
    '--forget-store asks before. ' +
    'Exit code 5: refused, nothing was opened.',
  arguments: [{ name: 'FILE', summary: 'your keys, as sotto custodian new wrote them', required: true }],
  flags: {
    ...CUSTODY_FLAGS,
    'forget-store': {
      type: 'boolean',
      summary:
        'agree that the KMS begins with an empty store: content keys of sealed models and open proposals are lost',
    },
  },
  examples: ['sotto custodian release ada.custodian --kms https://kms.example --policy policy.json'],
  async run(context, args, flags) {
    const custodian = await readCustodian(resolve(context.io.cwd, args[0]!))
    const desk = await openCustodyDesk(context, flags)
    const request = recoveryRequestDecoder(await desk.ask(`${desk.kmsUrl}/v1/recovery`), 'recovery')
    const { share } = await decide(context, desk, custodian, {
      kms: request,
      shareSet: request.shareSet,
    })
    if (flags['forget-store'] && !(await context.confirm(FORGET_QUESTION))) {
      context.note('nothing was opened or sent')
      return EXIT.failure
    }
    const { set, sealed } = share
    const opened = openShare(set.document, sealed, custodian.keys.wrap)
    const { checkpoint: _checkpoint, ...session } = request.binding
    const answer = resealShare(set.document, opened, session, flags['forget-store'])
    opened.value.fill(0)
    const received = await send(() => desk.ask(`${desk.kmsUrl}/v1/recovery/shares`, answer))
    const { threshold } = set.document
    const result = {
      genesis: answer.genesis,
      generation: answer.generation,
      index: answer.index,
      threshold,
      received: received ?? request.received,
      forgetStore: answer.forgetStore,
    }
    if (context.global.json) {
      context.json(result)
      return EXIT.ok
    }
    context.out(
      received === undefined
        ? `share ${answer.index} was there already`
        : `share ${answer.index} sent: ${received.length} of ${threshold}`,
    )
    if (answer.forgetStore) context.out('you agree that it begins with an empty store')
    return EXIT.ok
  },
})

/** A share that arrived before is not sent in vain: its answer may have been lost. */
async function send(ask: () => Promise<unknown>): Promise<number[] | undefined> {
  try {
    return readAnswer(await ask(), receivedAnswerDecoder).received
  } catch (error) {
    if (hasCode(error, 'KMS_SHARE_DUPLICATE')) return undefined
    throw error
  }
}
