import { mkdir, stat } from 'node:fs/promises'
import { dirname, join, resolve } from 'node:path'
import { toBase64Url } from '@sotto/protocol/bytes'
import { crypto } from '@sotto/protocol/crypto-backend'
import { configDirectory } from '../config/index.ts'
import { cliError } from '../errors.ts'
import type { Io } from '../framework/context.ts'
import { createPrivateFile, readPrivateFile } from '../input/index.ts'

const MAX_FILE_BYTES = 4096
/** What is made here; one made elsewhere may be longer. */
const SECRET_BYTES = 32
/** Characters of a bearer token (RFC 6750 Section 2.1). */
const SECRET = /^[A-Za-z0-9._~+/=-]{32,512}$/
const HINT = 'delete it to have another one made'
const LOSS = 'programs that have it would not get in any more'

/** Where the secret of the owner at a proxy lies: `--owner-secret`, or in the folder of the configuration. */
export function proxySecretFile(io: Pick<Io, 'env' | 'cwd'>, flag: string | undefined): string {
  return flag === undefined ? join(configDirectory(io), 'proxy-owner.secret') : resolve(io.cwd, flag)
}

/** Reads the secret, which is drawn on first use: mode 0600. @throws `CLI_FILE` readable by others, or no secret */
export async function openProxySecret(file: string): Promise<string> {
  if ((await stat(file).catch(() => undefined)) === undefined) {
    await mkdir(dirname(file), { recursive: true, mode: 0o700 }).catch(() => undefined)
    await createPrivateFile(file, `${toBase64Url(crypto.randomBytes(SECRET_BYTES))}\n`, LOSS).catch(
      // Another proxy that starts now may have been first: its secret is as good.
      async (error: unknown) => {
        if ((await stat(file).catch(() => undefined)) === undefined) throw error
      },
    )
  }
  const text = await readPrivateFile(file, { maxBytes: MAX_FILE_BYTES, hint: HINT })
  const secret = text.replace(/\r?\n$/, '')
  if (SECRET.test(secret)) return secret
  throw cliError('CLI_FILE', `${file} holds no secret for a proxy`, {
    expected: 'one line of 32 to 512 characters of a bearer token',
    hint: HINT,
  })
}
