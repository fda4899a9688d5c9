import { parseSavedReceipt } from '@sotto/protocol/receipts'
import { acceptsSoftware, verifyReceipt } from '@sotto/verifier'
import { cliError } from '../errors.ts'
import { type Command, defineCommand, exitCodeOfReceipt } from '../framework/index.ts'
import { type Input, openInput, parseSaved, readText } from '../input/index.ts'
import { readPolicy, resolvePolicyPath } from '../service/index.ts'
import { formatSteps } from '../terminal/index.ts'

/** Saved receipts hold five signed documents with proofs. */
const MAX_RECEIPT_BYTES = 1024 * 1024

/** `sotto receipt verify FILE` */
export const receiptVerify: Command = defineCommand({
  path: ['receipt', 'verify'],
  summary: 'Check a kept receipt, offline',
  description:
    'Checks the chain from the genesis your policy pins to the enclave that answered. With --request or ' +
    '--response also that the receipt is about these bytes. Needs no network. Exit code 3: not authentic.',
  arguments: [{ name: 'FILE', summary: 'receipt, or - for standard input', required: true }],
  flags: {
    policy: { type: 'string', value: 'FILE', summary: 'trust policy (SOTTO_POLICY)' },
    request: { type: 'string', value: 'FILE', summary: 'body of the request, exactly as sent' },
    'request-path': {
      type: 'string',
      value: 'PATH',
      summary: 'path of the request, like /v1/chat/completions',
    },
    'request-type': {
      type: 'string',
      value: 'TYPE',
      summary: 'content type of the request (default application/json)',
    },
    response: { type: 'string', value: 'FILE', summary: 'body of the answer, exactly as received' },
    'response-type': {
      type: 'string',
      value: 'TYPE',
      summary: 'content type of the answer (default application/json)',
    },
  },
  examples: ['sotto receipt verify answer.receipt.json --policy policy.json'],
  async run(context, args, flags) {
    if (flags.request !== undefined && flags['request-path'] === undefined) {
      throw cliError('CLI_USAGE', '--request needs --request-path', { hint: 'add --request-path /v1/...' })
    }
    const inputs = [args[0]!, ...[flags.request, flags.response].filter((name) => name !== undefined)]
    const open = (name: string): Promise<Input> => openInput(context.io, inputs, inputs.indexOf(name))
    const saved = parseSaved(await readText(await open(args[0]!), MAX_RECEIPT_BYTES), parseSavedReceipt, {
      what: 'saved receipt',
      hint: 'name a file that --receipt wrote',
    })
    const policy = await readPolicy(await resolvePolicyPath(context, flags))
    const result = verifyReceipt(saved, policy, {
      ...(flags.request !== undefined && {
        request: {
          method: 'POST',
          path: flags['request-path']!,
          contentType: flags['request-type'] ?? 'application/json',
          body: await bytesOf(await open(flags.request)),
        },
      }),
      ...(flags.response !== undefined && {
        response: {
          status: 200,
          contentType: flags['response-type'] ?? 'application/json',
          body: await bytesOf(await open(flags.response)),
        },
      }),
    })
    const software = acceptsSoftware(policy)
    if (context.global.json) context.json({ ...result, software })
    else {
      for (const line of formatSteps(result.steps, context.style.out)) context.out(line)
      context.out('')
      context.out(
        result.ok
          ? context.style.out.green('the receipt holds')
          : context.style.out.red('the receipt does not hold'),
      )
      if (result.receipt !== undefined) {
        context.out(`model ${result.receipt.model}, after checkpoint ${result.receipt.after.size}`)
      }
      if (software) context.out(context.style.out.yellow('software TEE: not hardware'))
    }
    return exitCodeOfReceipt(result)
  },
})

async function bytesOf(input: Input): Promise<Uint8Array[]> {
  return Array.fromAsync(input.stream())
}
