import { hkdfSync } from 'node:crypto'
import { mkdir, open, readFile, rename } from 'node:fs/promises'
import { dirname } from 'node:path'
import { fromHex, toHex, utf8 } from '@sotto/protocol/bytes'
import { crypto } from '@sotto/protocol/crypto-backend'
import { cliError } from '../errors.ts'

/**
 * The laptop's stand-in for a confidential machine: a root key that signs reports, a chip identity
 * and a fused secret. It protects nothing from this machine's owner; it makes every check of the
 * chain of trust run for real.
 */
export interface SoftwareMachine {
  /** P-384 private scalar, 48 bytes. */
  readonly rootPrivateKey: Uint8Array
  /** Raw uncompressed P-384 point, 97 bytes: what a policy names by its SHA-256. */
  readonly rootPublicKey: Uint8Array
  /** CHIP_ID, 64 bytes. */
  readonly chipId: Uint8Array
  /** Only ever used to derive sealing keys. */
  readonly secret: Uint8Array
}

/**
 * The machine kept in `file`, made on first use (mode 0600).
 * @throws `SOFTWARE_TEE_STATE` (fix-input) when the file is damaged
 */
export async function openMachine(file: string): Promise<SoftwareMachine> {
  let text: string
  try {
    text = await readFile(file, 'utf8')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error
    return createMachine(file)
  }
  try {
    const stored = JSON.parse(text) as Record<string, string>
    const machine = {
      rootPrivateKey: fromHex(stored['rootPrivateKey']!),
      rootPublicKey: fromHex(stored['rootPublicKey']!),
      chipId: fromHex(stored['chipId']!),
      secret: fromHex(stored['secret']!),
    }
    if (
      machine.rootPrivateKey.length !== 48 ||
      machine.rootPublicKey.length !== 97 ||
      machine.chipId.length !== 64 ||
      machine.secret.length !== 32
    ) {
      throw new RangeError('a field has the wrong length')
    }
    return machine
  } catch (cause) {
    throw cliError('SOFTWARE_TEE_STATE', `the software machine in ${file} is damaged`, {
      hint: 'remove the state directory to start with a new machine (its sealed keys are lost)',
      cause,
    })
  }
}

async function createMachine(file: string): Promise<SoftwareMachine> {
  const { privateKey, publicKey } = crypto.ecdsa.generate('P-384')
  const machine = {
    rootPrivateKey: privateKey,
    rootPublicKey: publicKey,
    chipId: crypto.randomBytes(64),
    secret: crypto.randomBytes(32),
  }
  await mkdir(dirname(file), { recursive: true, mode: 0o700 })
  const temporary = `${file}.${process.pid}`
  const handle = await open(temporary, 'wx', 0o600)
  try {
    await handle.writeFile(
      JSON.stringify(
        Object.fromEntries(Object.entries(machine).map(([name, bytes]) => [name, toHex(bytes)])),
      ),
    )
    await handle.sync()
  } finally {
    await handle.close()
  }
  await rename(temporary, file)
  return machine
}

/** 32 bytes for one measurement and context; another image on the same machine derives another key. */
export function deriveSealingKey(machine: SoftwareMachine, measurement: string, context: string): Uint8Array {
  return new Uint8Array(
    hkdfSync(
      'sha256',
      machine.secret,
      fromHex(measurement),
      utf8(`sotto software TEE sealing key\0${context}`),
      32,
    ),
  )
}
