import { cliError } from '../../errors.ts'
import { type Command, defineCommand } from '../../framework/index.ts'
import { readKmsReleases, skrPolicyOf } from '../../governance/index.ts'
import { openInput, readText } from '../../input/index.ts'

const MAX_FILE_BYTES = 4 * 1024 * 1024
/** As a token names its issuer: no path, and no slash at the end. */
const AUTHORITY = /^https:\/\/[a-z0-9-]+(?:\.[a-z0-9-]+){1,2}\.attest\.azure\.(?:net|us|cn)$/

/** `sotto keys skr-policy FILE --maa URL` */
export const keysSkrPolicy: Command = defineCommand({
  path: ['keys', 'skr-policy'],
  summary: 'Make the release policy of a managed HSM key from releases of the KMS',
  description:
    'Prints the policy by which Azure Managed HSM releases the key of a root secret to these releases of the KMS, ' +
    'on SEV-SNP or TDX, and to no other program, configuration or debugger. Set it on the key as immutable: a KMS ' +
    'refuses a key whose policy can still be changed. Signatures of the releases are not verified here.',
  arguments: [
    {
      name: 'FILE',
      summary: 'release.json, or logged release statements; - for standard input',
      required: true,
    },
  ],
  flags: {
    maa: {
      type: 'string',
      value: 'URL',
      summary: 'attestation service, as its tokens name it: https://NAME.REGION.attest.azure.net',
    },
  },
  examples: ['sotto keys skr-policy release.json --maa https://sotto.weu.attest.azure.net > skr-policy.json'],
  async run(context, args, { maa }) {
    if (maa === undefined || !AUTHORITY.test(maa))
      throw cliError('CLI_USAGE', '--maa is no attestation service of Azure', {
        expected: 'https://NAME.REGION.attest.azure.net',
        found: maa ?? 'none',
      })
    const input = await openInput(context.io, args)
    const text = await readText(input, MAX_FILE_BYTES)
    context.json(skrPolicyOf(readKmsReleases({ label: input.label, text }), maa))
  },
})
