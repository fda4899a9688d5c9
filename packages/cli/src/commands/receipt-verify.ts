import { isResult, MAX_RESULT_BYTES, parseResult, type SavedResult } from '@sotto/client/receipts'
import { outputsOfResult } from '@sotto/client/tensors'
import { fromUtf8 } from '@sotto/protocol/bytes'
import { parseSavedReceipt, type SavedReceipt } from '@sotto/protocol/receipts'
import { acceptsSoftware, type ReceiptSubject, verifyReceipt } from '@sotto/verifier'
import { cliError } from '../errors.ts'
import { type Command, type CommandContext, defineCommand, exitCodeOfReceipt } from '../framework/index.ts'
import { type Input, openInput, parseSaved, readBytes } from '../input/index.ts'
import { readPolicy, resolvePolicyPath } from '../service/index.ts'
import { showOutput } from '../tensors/index.ts'
import { formatSteps } from '../terminal/index.ts'

/** Saved receipts hold five signed documents with proofs. */
const MAX_RECEIPT_BYTES = 1024 * 1024

/** `sotto receipt verify FILE` */
export const receiptVerify: Command = defineCommand({
  path: ['receipt', 'verify'],
  summary: 'Check a kept receipt, offline',
  description:
    'Checks the chain from the genesis your policy pins to the enclave that answered. With --request or ' +
    '--response also that the receipt is about these bytes. Of a kept result (--save) ' +
    'both are checked, as it holds them. Needs no network. Exit code 3: not authentic.',
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
  },
  examples: ['sotto receipt verify answer.receipt.json --policy policy.json'],
  async run(context, args, flags) {
    if (flags.request !== undefined && flags['request-path'] === undefined) {
      throw cliError('CLI_USAGE', '--request needs --request-path', { hint: 'add --request-path /v1/...' })
    }
    const inputs = [args[0]!, ...[flags.request, flags.response].filter((name) => name !== undefined)]
    const open = (name: string): Promise<Input> => openInput(context.io, inputs, inputs.indexOf(name))
    const kept = readKept(await readBytes(await open(args[0]!), MAX_RESULT_BYTES))
    if (kept.result !== undefined && inputs.length > 1)
      throw cliError('CLI_USAGE', 'a kept result holds its request and answer', {
        hint: 'leave --request and --response out',
      })
    const policy = await readPolicy(await resolvePolicyPath(context, flags))
    const subject = kept.result === undefined ? await subjectOf(flags, open) : subjectOfResult(kept.result)
    const result = verifyReceipt(kept.receipt, policy, subject)
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
      if (result.ok && kept.result !== undefined) showResult(context, kept.result)
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

/** A receipt, and the result around it where the file is one. @throws `CLI_FILE`, `RESULT_MALFORMED` */
function readKept(file: Uint8Array): { receipt: SavedReceipt; result?: SavedResult } {
  if (isResult(file)) {
    const result = parseResult(file)
    return { receipt: result.receipt, result }
  }
  if (file.length > MAX_RECEIPT_BYTES)
    throw cliError('CLI_FILE', `a receipt is not larger than ${MAX_RECEIPT_BYTES} bytes`)
  const receipt = parseSaved(textOf(file), parseSavedReceipt, {
    what: 'saved receipt',
    hint: 'name a file that --receipt or --save wrote',
  })
  return { receipt }
}

function textOf(file: Uint8Array): string {
  try {
    return fromUtf8(file)
  } catch (cause) {
    throw cliError('CLI_FILE', 'this is neither a receipt nor a kept result', { cause })
  }
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
