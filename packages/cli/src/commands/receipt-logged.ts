import { resolve } from 'node:path'
import { createLogReader, encodeEntryProof, instant } from '@sotto/client/monitor'
import { writeWhole } from '@sotto/client/node'
import { findLogged, verifyLogged } from '@sotto/client/receipt-log'
import { MAX_RESULT_BYTES } from '@sotto/client/receipts'
import { acceptsSoftware } from '@sotto/verifier'
import { cliError } from '../errors.ts'
import { type Command, defineCommand, EXIT } from '../framework/index.ts'
import { openInput, readBytes } from '../input/index.ts'
import { LOG_FLAGS, resolveLogUrl } from '../log/index.ts'
import { readKept } from '../receipts/index.ts'
import { readPolicy, resolvePolicyPath } from '../service/index.ts'

/** `sotto receipt logged FILE` */
export const receiptLogged: Command = defineCommand({
  path: ['receipt', 'logged'],
  summary: 'Find the digest of a kept receipt in the log',
  description:
    'Reads the log from the release of the enclave on, until a batch holds the digest of the receipt. Only who has the ' +
    'receipt can tell. --proof writes a file that sotto receipt verify --logged checks offline, for ever. Services log ' +
    'digests where their data use says so. Exit code 6: NOT LOGGED, or not yet; 3: the receipt is not authentic.',
  arguments: [{ name: 'FILE', summary: 'receipt or kept result, or - for standard input', required: true }],
  flags: {
    log: LOG_FLAGS.log,
    policy: LOG_FLAGS.policy,
    proof: { type: 'string', value: 'FILE', summary: 'write a proof of the batch' },
  },
  examples: [
    'sotto receipt logged answer.receipt.json --log https://log.example/log --proof answer.tlog-proof',
  ],
  async run(context, args, flags) {
    const { receipt } = readKept(await readBytes(await openInput(context.io, args), MAX_RESULT_BYTES))
    const policy = await readPolicy(await resolvePolicyPath(context, flags))
    const reader = createLogReader(await resolveLogUrl(context, flags), context.io.fetch, context.signal)
    const proof = await findLogged(receipt, { policy, reader })
    const { ok, steps, index, loggedBefore } = verifyLogged(receipt, proof, policy)
    const software = acceptsSoftware(policy)
    if (!ok) {
      // No file of it: somebody would take it for a proof.
      if (context.global.json) context.json({ ok, steps, software })
      else context.out('NOT LOGGED: the batch that was found does not hold')
      return EXIT.notAuthentic
    }
    if (flags.proof !== undefined) {
      await writeWhole(resolve(context.io.cwd, flags.proof), encodeEntryProof(proof), 0o644).catch(
        (cause: unknown) => {
          throw cliError('CLI_FILE', `cannot write ${flags.proof}`, { cause })
        },
      )
      context.note(`proof written to ${flags.proof}`)
    }
    if (context.global.json) context.json({ ok, index, loggedBefore, software })
    else context.out(`logged before ${instant(loggedBefore!)}, entry ${index}`)
    return EXIT.ok
  },
})
