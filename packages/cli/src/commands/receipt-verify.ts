import { instant, parseEntryProof } from '@sotto/client/monitor'
import { verifyLogged } from '@sotto/client/receipt-log'
import { MAX_RESULT_BYTES, type SavedResult } from '@sotto/client/receipts'
import { outputsOfResult } from '@sotto/client/tensors'
import { acceptsSoftware, type ReceiptSubject, verifyReceipt } from '@sotto/verifier'
import { cliError } from '../errors.ts'
import { type Command, type CommandContext, defineCommand, exitCodeOfReceipt } from '../framework/index.ts'
import { type Input, openInput, readBytes, readText } from '../input/index.ts'
import { MAX_PROOF_BYTES } from '../log/index.ts'
import { readKept } from '../receipts/index.ts'
import { readPolicy, resolvePolicyPath } from '../service/index.ts'
import { showOutput } from '../tensors/index.ts'
import { formatSteps } from '../terminal/index.ts'

/** `sotto receipt verify FILE` */
export const receiptVerify: Command = defineCommand({
  path: ['receipt', 'verify'],
  summary: 'Check a kept receipt, offline',
  description:
    'Checks the chain from the genesis your policy pins to the enclave that answered, and by the trust bundle in the ' +
    'file hardware, code and key-release policy of the KMS, as of the checkpoint it holds. With --request or ' +
    '--response also that the receipt is about these bytes. Of a kept result (--save) ' +
    'both are checked, as it holds them. With --logged also that its digest was logged, and before when: see ' +
    'sotto receipt logged. Needs no network. Exit code 3: not authentic, or not in that batch.',
  arguments: [{ name: 'FILE', summary: 'receipt or kept result, or - for standard input', required: true }],
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
    logged: { type: 'string', value: 'FILE', summary: 'proof that sotto receipt logged --proof wrote' },
  },
  examples: [
    'sotto receipt verify answer.receipt.json --policy policy.json',
    'sotto receipt verify answer.receipt.json --logged answer.tlog-proof --policy policy.json',
  ],
  async run(context, args, flags) {
    if (flags.request !== undefined && flags['request-path'] === undefined) {
      throw cliError('CLI_USAGE', '--request needs --request-path', { hint: 'add --request-path /v1/...' })
    }
    const given = [flags.request, flags.response, flags.logged]
    const inputs = [args[0]!, ...given.filter((name) => name !== undefined)]
    const open = (name: string): Promise<Input> => openInput(context.io, inputs, inputs.indexOf(name))
    const kept = readKept(await readBytes(await open(args[0]!), MAX_RESULT_BYTES))
    if (kept.result !== undefined && (flags.request ?? flags.response) !== undefined)
      throw cliError('CLI_USAGE', 'a kept result holds its request and answer', {
        hint: 'leave --request and --response out',
      })
    const policy = await readPolicy(await resolvePolicyPath(context, flags))
    const subject = kept.result === undefined ? await subjectOf(flags, open) : subjectOfResult(kept.result)
    const receipt = verifyReceipt(kept.receipt, policy, subject)
    const logged =
      flags.logged === undefined
        ? undefined
        : verifyLogged(
            kept.receipt,
            parseEntryProof(await readText(await open(flags.logged), MAX_PROOF_BYTES)),
            policy,
            receipt,
          )
    const result = { ...receipt, ...logged }
    const software = acceptsSoftware(policy)
    if (context.global.json) context.json({ ...result, software })
    else {
      for (const line of formatSteps(result.steps, context.style.out)) context.out(line)
      context.out('')
      const trust = result.steps.find(({ name, status }) => name === 'receipt.trust' && status === 'pass')
      if (trust?.found !== undefined) context.out(`KMS, hardware and policy ${trust.found}`)
      context.out(
        result.ok
          ? context.style.out.green('the receipt holds')
          : context.style.out.red('the receipt does not hold'),
      )
      if (result.receipt !== undefined) {
        context.out(`model ${result.receipt.model}, after checkpoint ${result.receipt.after.size}`)
      }
      if (logged?.loggedBefore !== undefined)
        context.out(`logged before ${instant(logged.loggedBefore)}, entry ${logged.index}`)
      if (result.ok && kept.result !== undefined) showResult(context, kept.result)
      if (result.ok && kept.receipt.trust === undefined)
        context.out(
          context.style.out.yellow('no trust bundle in it: hardware and code of the KMS are not proven'),
        )
      if (software) context.out(context.style.out.yellow('software TEE: not hardware'))
    }
    return exitCodeOfReceipt(result)
  },
})

/** What the flags give besides the receipt. */
async function subjectOf(
  flags: SubjectFlags,
  open: (name: string) => Promise<Input>,
): Promise<ReceiptSubject> {
  return {
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
  }
}

interface SubjectFlags {
  readonly request: string | undefined
  readonly 'request-path': string | undefined
  readonly 'request-type': string | undefined
  readonly response: string | undefined
  readonly 'response-type': string | undefined
}

function subjectOfResult({ request, response }: SavedResult): ReceiptSubject {
  return { request: { ...request, body: [request.body] }, response: { ...response, body: [response.body] } }
}

/** What was asked and answered, which the receipt has proven by now. */
function showResult(context: CommandContext, result: SavedResult): void {
  context.out(`${result.request.method} ${result.request.path}`)
  for (const [name, output] of Object.entries(outputsOfResult(result)?.outputs ?? {}))
    context.out(showOutput(name, output))
}

async function bytesOf(input: Input): Promise<Uint8Array[]> {
  return Array.fromAsync(input.stream())
}
