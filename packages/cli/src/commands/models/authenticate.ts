import { SottoError } from '@sotto/protocol/errors'
import {
  MAX_OMS_TRUSTED_ROOT_BYTES,
  type OmsBundle,
  type OmsStatement,
  parseOmsKey,
  parseOmsTrustedRoot,
  verifyOmsKeyless,
  verifyOmsWithCertificates,
  verifyOmsWithKey,
} from '@sotto/protocol/oms'
import { certificatesOfPem, parseCertificate } from '@sotto/protocol/x509'
import { cliError } from '../../errors.ts'
import { readBytes } from '../../evidence/index.ts'
import type { CommandContext } from '../../framework/index.ts'
import { parseTime } from '../../input/index.ts'
import { readPem } from './pem.ts'

/** Flags that say whose signature it must be: exactly one of the first three, and what belongs to it. */
export interface SignerFlags {
  key?: string | undefined
  'certificate-chain'?: string | undefined
  'trusted-root'?: string | undefined
  /** Of a certificate chain. */
  at?: string | undefined
  /** Of a trusted root, both. */
  identity?: string | undefined
  issuer?: string | undefined
}

/** Whose signature a model has, as proven. */
export interface Signed {
  statement: OmsStatement
  /** For people. */
  signer: string
  /** When a log took the signature in, RFC 3339; only of a keyless one. */
  loggedAt?: string
}

/**
 * Verifies a signature with what the flags name.
 * @throws `CLI_USAGE`, `CLI_NOT_AUTHENTIC` (stop), and `fix-input` codes for what cannot be read
 */
export async function authenticate(
  context: CommandContext,
  bundle: OmsBundle,
  flags: SignerFlags,
): Promise<Signed> {
  const { key, 'certificate-chain': roots, 'trusted-root': trustedRoot } = flags
  if ([key, roots, trustedRoot].filter((flag) => flag !== undefined).length !== 1)
    throw cliError('CLI_USAGE', 'say whose signature it must be', {
      hint: 'pass --key FILE, --certificate-chain FILE with the roots you trust, or --trusted-root FILE for a keyless signature',
    })
  if (trustedRoot === undefined && (flags.identity ?? flags.issuer) !== undefined)
    throw cliError('CLI_USAGE', '--identity and --issuer are for --trusted-root')
  if (trustedRoot !== undefined && flags.at !== undefined)
    throw cliError(
      'CLI_USAGE',
      '--at is for --certificate-chain: the log says when a keyless signature was made',
    )
  try {
    if (key !== undefined) return await withKey(context, bundle, key)
    if (roots !== undefined) return await withCertificates(context, bundle, roots, flags.at)
    return await keyless(context, bundle, trustedRoot!, flags)
  } catch (cause) {
    if (!(cause instanceof SottoError) || cause.action !== 'stop') throw cause
    const { message, expected, found } = cause
    throw cliError('CLI_NOT_AUTHENTIC', message, {
      ...(expected !== undefined && { expected }),
      ...(found !== undefined && { found }),
      hint: 'do not use this model',
      cause,
    })
  }
}

async function withKey({ io }: CommandContext, bundle: OmsBundle, file: string): Promise<Signed> {
  const publicKey = parseOmsKey(await readPem(io, file))
  return { statement: verifyOmsWithKey(bundle, publicKey), signer: `key ${publicKey.hint}` }
}

async function withCertificates(
  { io }: CommandContext,
  bundle: OmsBundle,
  file: string,
  at: string | undefined,
): Promise<Signed> {
  const roots = certificatesOfPem(await readPem(io, file)).map((der) => parseCertificate(der))
  const time = at === undefined ? Math.floor(io.now() / 1000) : parseTime('--at', at)
  const { statement, path } = verifyOmsWithCertificates(bundle, { roots, at: time })
  const [leaf] = path.chain
  return { statement, signer: `${leaf!.subjectText} (root ${path.root.subjectText})` }
}

async function keyless(
  { io }: CommandContext,
  bundle: OmsBundle,
  file: string,
  { identity, issuer }: SignerFlags,
): Promise<Signed> {
  if (!identity || !issuer)
    throw cliError('CLI_USAGE', 'say who must have signed, and who vouches for them', {
      hint: 'pass --identity with an address or the URI of a workflow, and --issuer with the URL of its OpenID Connect issuer',
    })
  const trustedRoot = parseOmsTrustedRoot(await readBytes(io, file, MAX_OMS_TRUSTED_ROOT_BYTES))
  const { statement, integratedTime } = verifyOmsKeyless(bundle, { trustedRoot, identity, issuer })
  const loggedAt = new Date(integratedTime * 1000).toISOString().replace('.000Z', 'Z')
  return { statement, signer: `${identity} (issuer ${issuer})`, loggedAt }
}
