import { mkdir, stat } from 'node:fs/promises'
import { dirname, join, resolve } from 'node:path'
import { type ModelOwner, modelOwner } from '@sotto/client'
import { ownerKeyPem, parseOwnerKey } from '@sotto/client/models'
import { crypto } from '@sotto/protocol/crypto-backend'
import { configDirectory } from '../config/index.ts'
import { cliError } from '../errors.ts'
import type { Io } from '../framework/context.ts'
import { createPrivateFile, readPrivateFile } from '../input/index.ts'

/** An unencrypted Ed25519 key in PKCS#8 has about 120 bytes. */
const MAX_KEY_FILE_BYTES = 4096
const HINT = 'name an unencrypted Ed25519 key in PEM (openssl genpkey -algorithm ed25519 makes one)'
const LOSS = 'whoever loses an owner key can neither replace nor remove its models'

/** Flag of every command that acts for an owner. */
export const OWNER_FLAG = {
  owner: {
    type: 'string',
    value: 'FILE',
    summary: 'owner key, PEM (SOTTO_OWNER, default ~/.config/sotto/owner.key)',
  },
} as const

/** Where the owner's key lies: `--owner`, `SOTTO_OWNER`, or `owner.key` in the folder of the configuration. */
export function ownerKeyFile(io: Pick<Io, 'env' | 'cwd'>, flag: string | undefined): string {
  const named = flag ?? (io.env['SOTTO_OWNER'] || undefined)
  return named === undefined ? join(configDirectory(io), 'owner.key') : resolve(io.cwd, named)
}

/** Reads an owner's key. @throws `CLI_FILE` absent, readable by others, or no Ed25519 key */
export async function readOwner(file: string): Promise<ModelOwner> {
  const pem = await readPrivateFile(file, { maxBytes: MAX_KEY_FILE_BYTES, hint: HINT })
  try {
    return modelOwner(parseOwnerKey(pem))
  } catch {
    throw cliError('CLI_FILE', `${file} is not the key of an owner`, {
      expected: 'Ed25519, PKCS#8 PEM',
      hint: HINT,
    })
  }
}

/** The owner of a key file, which is made on first use: mode 0600. @throws `CLI_FILE` */
export async function openOwner(file: string): Promise<{ owner: ModelOwner; isNew: boolean }> {
  if ((await stat(file).catch(() => undefined)) !== undefined)
    return { owner: await readOwner(file), isNew: false }
  const { seed } = crypto.ed25519.generate()
  await mkdir(dirname(file), { recursive: true, mode: 0o700 }).catch(() => undefined)
  await createPrivateFile(file, ownerKeyPem(seed), LOSS)
  return { owner: modelOwner(seed), isNew: true }
}
